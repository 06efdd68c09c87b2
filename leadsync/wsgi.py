"""The WSGI application."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadsync.settings")

application = get_wsgi_application()

from sarah.api import spooling  # noqa: E402 (its models need the settings)

spooling.start_drainer()
