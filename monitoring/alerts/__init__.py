"""Alerts: what should make somebody look, and how people are told of it."""
