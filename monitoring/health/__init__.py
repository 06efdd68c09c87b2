"""The health of the sync: read in one place, shown to people, programs and Prometheus."""
