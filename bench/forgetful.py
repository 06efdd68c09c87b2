"""Production's settings, remembering no number: each page counts anew what it shows."""

from leadsync.settings import *  # noqa: F403

CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
