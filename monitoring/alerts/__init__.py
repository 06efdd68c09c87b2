"""Alerts: what is watched, who is notified, and how."""
