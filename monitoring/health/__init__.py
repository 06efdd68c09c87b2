"""The health of the sync: reads it, diagnoses it, and renders it for people and machines."""
