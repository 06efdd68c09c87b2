"""Kapso's webhooks: what comes in is stored, answered, and then worked."""
