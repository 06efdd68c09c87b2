"""Databases that take long to make: made once for all processes of a run, and copied for a test."""

import fcntl
import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import connection


class Shelf:
    """The databases of one run of the tests; `folder` is shared by its processes."""

    def __init__(self, folder: Path, *, run: str) -> None:
        self.folder, self.run = folder / "shelf", run
        self.folder.mkdir(exist_ok=True)
        self.made: list[str] = []

    @contextmanager
    def copy(self, name: str, make: Callable[[], Any], *, of: str | None = None) -> Iterator[Any]:
        """Lead the tests' connection to a copy of the database `name`; yields what `make` returned
        when it filled that, beginning with the database `of` of the shelf, or with an empty one.

        A connection beside the tests' would not do: migrations write through the default one.
        """
        usual = connection.settings_dict["NAME"]
        copied = f"{usual}_copy"
        with self._alone():
            made = self._made(name, make, of=of)
            _create(copied, of=self._path(name))
        try:
            _lead_to(copied)
            yield made
        finally:
            _lead_to(usual)
            _drop(copied)

    def take(self, name: str, make: Callable[[], Any]) -> None:
        """Put a copy of the database `name` where the tests' own is, which is empty."""
        usual = connection.settings_dict["NAME"]
        with self._alone():
            self._made(name, make, of=None)
            _lead_to("postgres")
            _create(usual, of=self._path(name))
            _lead_to(usual)

    def fill(self, name: str, make: Callable[[], Any]) -> None:
        """Have the database `name` on the shelf."""
        with self._alone():
            self._made(name, make, of=None)

    def clear(self) -> None:
        """Drop what this process has made; another one makes it again if it still needs it."""
        with self._alone():
            for name in self.made:
                (self.folder / f"{name}.pickle").unlink()
                _drop(self._path(name))
        _lead_to(connection.settings_dict["NAME"])

    def _made(self, name: str, make: Callable[[], Any], *, of: str | None) -> Any:
        result = self.folder / f"{name}.pickle"
        if not result.exists():
            usual = connection.settings_dict["NAME"]
            _create(self._path(name), of=self._path(of) if of else None)
            try:
                _lead_to(self._path(name))
                made = make()
            finally:
                _lead_to(usual)
            result.write_bytes(pickle.dumps(made))
            self.made.append(name)
        return pickle.loads(result.read_bytes())

    def _path(self, name: str) -> str:
        if connection.vendor == "sqlite":
            return str(self.folder / f"{name}.sqlite3")
        return f"test_shelf_{self.run}_{name}"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _create(name: str, *, of: str | None) -> None:
    _drop(name)
    if connection.vendor == "sqlite":
        if of:
            shutil.copyfile(of, name)
    else:
        _execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{of}"' if of else ""))


def _drop(name: str) -> None:
    if connection.vendor == "sqlite":
        for file in (name, f"{name}-wal", f"{name}-shm"):
            Path(file).unlink(missing_ok=True)
    else:
        _execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _lead_to(name: str) -> None:
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()
    connection.settings_dict["NAME"] = name
    ContentType.objects.clear_cache()  # they have other keys there
