"""Infrastructure without knowledge of the apps: database, logs, request ids, bodies."""
