"""How the sync is doing: read once, told to people, to machines and to Prometheus."""
