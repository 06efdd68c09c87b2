"""Tells the right person about a lead, now: what happened is found, and told once."""
