"""Checks that Django does not have: `manage.py check --deploy` runs them."""
