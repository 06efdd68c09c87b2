"""The ASGI application, for hosts that need ASGI; WSGI is the measured default."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadsync.settings")

application = get_asgi_application()
