"""How dates and times are written: one way, in both languages."""
