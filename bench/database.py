"""Django with production's settings, on a database of its own; importing this sets it up."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bench.serving import PRODUCTION

os.environ |= PRODUCTION

import django

django.setup()

from django.db import connection  # noqa: E402


@contextmanager
def own_database() -> Iterator[None]:
    """A migrated database beside the one that DATABASE_URL names, for this process and those that
    it starts; dropped in the end."""
    name = connection.settings_dict["NAME"]
    with tempfile.TemporaryDirectory() as directory:
        if connection.vendor == "sqlite":
            connection.settings_dict["TEST"]["NAME"] = str(Path(directory) / "bench.sqlite3")
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        os.environ["DATABASE_URL"] = _url()
        try:
            yield
        finally:
            connection.creation.destroy_test_db(name, verbosity=0)


def analyze() -> None:
    """Do what the server would do by itself some minutes after so many rows were added."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def _url() -> str:
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
