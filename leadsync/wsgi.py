"""The WSGI application."""

import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from leadsync.infra.forwarded import Application, behind_proxy

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadsync.settings")

application: Application = get_wsgi_application()
if settings.LEADSYNC_PROXY_SECRET:
    application = behind_proxy(application, secret=settings.LEADSYNC_PROXY_SECRET)

from sarah.api import spooling  # noqa: E402 (its models need the settings)

spooling.start_drainer()

# What is loaded by now stays: looking through all of it took up to a tenth of a second, in the
# middle of a request. What requests leave behind is small, so it may pile up for a while.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 50)
