"""A log line tells what broke and where, never whom it was about."""

import io
import json
import logging
import re
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError
from django.test import Client
from django.utils.module_loading import import_string

from leadsync.infra.logs import JSONFormatter
from leadsync.infra.requests import request_id
from tests.bot import PHONE

SECRET = f"Budi Santoso of {PHONE}"


@pytest.fixture
def log() -> io.StringIO:
    """What our handler writes, in the format that the settings give to every logger."""
    (formatter,) = settings.LOGGING["formatters"].values()
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(import_string(formatter["()"])())
    root = logging.getLogger()
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)


def fail() -> None:
    try:
        raise KeyError(SECRET)
    except KeyError as error:
        raise DatabaseError(f"Key (phone)=({SECRET}) already exists.") from error


def test_an_exception_is_logged_with_its_class_and_frames_but_without_its_message(log):
    try:
        fail()
    except DatabaseError:
        logging.getLogger("sarah").exception("The sync of conversation %s failed.", 7)

    assert "ERROR sarah The sync of conversation 7 failed." in log.getvalue()
    assert "in fail" in log.getvalue()
    assert "DatabaseError" in log.getvalue()
    assert "Budi" not in log.getvalue()
    assert PHONE not in log.getvalue()


def test_an_exception_among_the_arguments_is_logged_by_its_class(log):
    error = ValueError(SECRET)

    logging.getLogger("sarah").error("Gave up on %s: %s", 7, error)
    # How Django tells of a hook that failed after the commit.
    logging.getLogger("django.db.backends.base").error("Hook failed (%s)", error, exc_info=error)

    assert "Gave up on 7: ValueError" in log.getvalue()
    assert "Budi" not in log.getvalue()


def test_what_another_handler_wrote_before_does_not_leak_into_ours(log):
    other = logging.StreamHandler(io.StringIO())
    root = logging.getLogger()
    root.handlers.insert(0, other)

    try:
        fail()
    except DatabaseError:
        logging.getLogger("sarah").exception("Failed.")
    finally:
        root.removeHandler(other)

    assert "Budi" in other.stream.getvalue()
    assert "Budi" not in log.getvalue()


def test_an_access_line_has_no_query_string(log):
    logging.getLogger("django.server").info(
        '"%s" %s %s', "GET /sarah/state?contact_phone=%2B6281234567890 HTTP/1.1", "200", "10245"
    )

    assert '"GET /sarah/state HTTP/1.1" 200 10245' in log.getvalue()
    assert "6281234567890" not in log.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/sarah/state", "/sarah/nothing"])
def test_a_refused_request_is_logged_without_its_query_string(client: Client, log, path: str):
    client.get(f"{path}?contact_phone=%2B6281234567890")

    assert path in log.getvalue()
    assert "6281234567890" not in log.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "phone",
    [
        "+6281234567890",
        "6281234567890",
        "0812-3456-7890",
        "%2B62%20812%203456%207890",
        "0812.3456.7890",
    ],
)
def test_a_phone_in_a_wrong_path_is_not_logged(client: Client, log, phone: str):
    for path in (f"/sarah/state/{phone}", f"/admin/contacts/contact/{phone}/", f"/{phone}/x"):
        client.get(path)
    client.get("/", HTTP_HOST=f"{phone.replace('%', '')}.example.com")

    assert "Not Found: /sarah/state/…" in log.getvalue()
    assert not re.search(r"812\D*3456", log.getvalue())


@pytest.fixture
def json_log(log: io.StringIO) -> io.StringIO:
    """The same as programs get it (`LEADSYNC_LOG_FORMAT=json`)."""
    logging.getLogger().handlers[-1].setFormatter(JSONFormatter())
    return log


def only_entry(log: io.StringIO) -> dict[str, Any]:
    (line,) = log.getvalue().splitlines()
    return json.loads(line)


def test_a_json_line_tells_the_same_and_no_more(json_log):
    about = request_id.set("req-12345678")
    try:
        fail()
    except DatabaseError as error:
        logging.getLogger("sarah").exception("Line one\nof %s: %s", 7, error)
    finally:
        request_id.reset(about)

    entry = only_entry(json_log)
    assert entry.pop("time").endswith("Z")
    frames = entry.pop("frames")
    assert frames[-1].endswith(" fail")
    assert entry == {
        "level": "ERROR",
        "logger": "sarah",
        "message": "Line one\nof 7: DatabaseError",
        "request_id": "req-12345678",
        "exception": "DatabaseError",
    }
    assert "Budi" not in json_log.getvalue()


def test_a_json_line_outside_of_requests_is_as_short_as_it_can_be(json_log):
    logging.getLogger("sarah").warning("Slow.")

    assert set(only_entry(json_log)) == {"time", "level", "logger", "message"}


@pytest.mark.django_db
def test_a_refused_request_has_no_query_string_in_json_either(client: Client, json_log):
    answer = client.get("/sarah/nothing?contact_phone=%2B6281234567890")

    entry = only_entry(json_log)
    assert entry["message"] == "Not Found: /sarah/nothing"
    assert entry["request_id"] == answer["X-Request-ID"]
