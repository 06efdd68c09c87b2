"""What every app stands on: the database, logs, request ids, bodies. Imports nothing of ours."""
