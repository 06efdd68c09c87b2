"""The lists of the admin: one table, one way to filter and to choose, at a desk and on a phone."""
