"""Production's settings, with the rivals beside the product."""

from leadsync.settings import *  # noqa: F403

ROOT_URLCONF = "bench.rivals"
