"""Infrastructure for all apps: database, logs, request ids, bodies. Imports nothing of ours."""
