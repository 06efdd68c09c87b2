"""Alerts: notices problems, tells people, and tells them again when a problem is over."""
