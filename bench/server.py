"""The WSGI application that the benchmark serves."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.test.utils import override_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.settings")

from leadsync.wsgi import application as with_middleware

with override_settings(MIDDLEWARE=[]):
    without_middleware = WSGIHandler()


def application(environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
    is_bare = environ["PATH_INFO"].startswith("/bare/")
    return (without_middleware if is_bare else with_middleware)(environ, start_response)
