"""What people see where a page cannot be shown."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leadsync.dashboard import page
from leadsync.tries import Tries
from tests.staff import Staff

pytestmark = pytest.mark.django_db


def broken_home(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_args: object) -> Any:
        raise error

    monkeypatch.setattr(User, "has_module_perms", fail)
    monkeypatch.setattr(page, "dashboard", fail)


@pytest.mark.parametrize(
    ("language", "says", "way_back"),
    [
        ("en", "Nothing is here", "Back to LeadSync"),
        ("id", "Tidak ada apa-apa di sini", "Kembali ke LeadSync"),
    ],
)
def test_a_mistyped_address_is_told_in_ones_language(
    client: Client, language: str, says: str, way_back: str
) -> None:
    answer = client.get("/leads/", headers={"Accept-Language": language})

    assert answer.status_code == 404
    text = answer.content.decode()
    assert f'<html lang="{language}">' in text
    assert says in text
    assert way_back in text
    assert reverse("admin:index") in text
    assert answer.headers["X-Request-ID"] in text


def test_a_page_of_another_role_says_whom_to_ask() -> None:
    answer = Staff("Sales").client.get(reverse("admin:auth_user_changelist"))

    assert answer.status_code == 403
    assert "for access" in answer.content.decode()


def test_a_form_that_was_open_over_a_log_out_is_told_to_reload() -> None:
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post(reverse("admin:login"), {"username": "ani", "password": "x"})

    assert answer.status_code == 403
    assert "open for too long" in answer.content.decode()


def test_who_asks_too_often_for_a_new_password_is_told_to_wait_by_every_process() -> None:
    asks, languages = {"email": "nobody@example.com"}, {"Accept-Language": "id"}
    for _ in range(10):
        assert Client().post("/admin/password/", asks).status_code == 302
        cache.clear()  # another process answers: each has a cache of its own

    answer = Client().post("/admin/password/", asks, headers=languages)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3600")
    text = answer.content.decode()
    assert "Terlalu banyak percobaan" in text
    assert "Kembali ke LeadSync" in text
    assert answer.headers["X-Request-ID"] in text
    with time_machine.travel(timezone.now() + timedelta(hours=1, seconds=1)):
        assert Client().post("/admin/password/", asks).status_code == 302
    assert Tries.objects.count() == 1


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (ValueError("secret"), 500, "Something went wrong on our side"),
        (OperationalError("secret"), 503, "The database cannot be reached"),
    ],
)
def test_a_broken_page_offers_to_try_again_and_gives_away_nothing(
    monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, says: str
) -> None:
    browser = Staff("Sales").client
    browser.raise_request_exception = False
    broken_home(monkeypatch, error)

    answer = browser.get(reverse("admin:index"), {"day": '"><b>'})

    text = answer.content.decode()
    assert answer.status_code == status
    assert says in text
    assert "Try again" in text
    assert "?day=%22%3E%3Cb%3E" in text
    assert "secret" not in text
    assert answer.headers["X-Request-ID"] in text


def test_what_was_sent_is_not_offered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Staff("Sales").client
    browser.raise_request_exception = False
    broken_home(monkeypatch, ValueError())

    answer = browser.post(reverse("admin:index"))

    assert answer.status_code == 500
    assert "Try again" not in answer.content.decode()
