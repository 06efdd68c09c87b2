"""Who guesses passwords waits, longer each time; whoever the account belongs to does not."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from django.utils import timezone

from leadsync.lockout import wait_after
from leadsync.models import FailedLogin
from monitoring.alerts.messages import page_about
from monitoring.models import Alert, AlertKind
from tests.factories import UserFactory
from tests.staff import Staff, messages_of

pytestmark = pytest.mark.django_db

OFFICE, ELSEWHERE = "198.51.100.1", "203.0.113.9"


@pytest.fixture(autouse=True)
def clock(settings: Any) -> Iterator[Any]:
    settings.AXES_ENABLED = True
    UserFactory(username="budi")
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were hashed."""
    passwords: list[str] = []
    encode = MD5PasswordHasher.encode

    def noted(self: Any, password: str, salt: str) -> str:
        passwords.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", noted)
    return passwords


def log_in(password: str = "wrong", name: str = "budi", *, at: str = OFFICE, **meta: str) -> Any:
    form = {"username": name, "password": password}
    return Client().post("/admin/login/", form, REMOTE_ADDR=at, **meta)


def guess(times: int, **where: Any) -> list[int]:
    return [log_in(f"guess {number}", **where).status_code for number in range(times)]


@pytest.mark.one_database
def test_fifty_guesses_hash_five_passwords_and_the_right_one_does_not_open(
    hashed: list[str],
) -> None:
    statuses = guess(54)
    right = log_in("secret", HTTP_ACCEPT_LANGUAGE="id")

    assert statuses == [200] * 4 + [429] * 50
    assert (right.status_code, right["Retry-After"]) == (429, "61")
    page = right.content.decode()
    assert "Tunggu 1 menit, lalu coba lagi" in page
    assert right["X-Request-ID"] in page
    assert "Kembali ke LeadSync" in page
    assert hashed == [f"guess {number}" for number in range(5)]


def test_each_further_guess_doubles_the_wait_up_to_an_hour(clock: Any) -> None:
    guess(5)
    waits = []
    for _round in range(8):
        waits.append(int(log_in("secret")["Retry-After"]) - 1)
        clock.shift(waits[-1] + 1)
        guess(1)

    assert waits == [60 * minutes for minutes in (1, 2, 4, 8, 16, 32, 60, 60)]


def test_after_the_wait_the_right_password_opens_and_all_is_forgotten(clock: Any) -> None:
    guess(5)
    clock.shift(61)

    assert log_in("secret").status_code == 302
    assert guess(4) == [200] * 4


def test_an_address_that_tries_many_accounts_waits_as_well() -> None:
    statuses = [log_in(name=f"person{number}").status_code for number in range(12)]

    assert statuses == [200] * 9 + [429] * 3
    assert log_in("secret").status_code == 429
    assert log_in("secret", at=ELSEWHERE).status_code == 302


def test_ipv6_addresses_of_one_network_are_one_client() -> None:
    hosts = [f"2001:db8:1:2::{number}" for number in range(12)]
    statuses = [log_in(name=f"p{host}", at=host).status_code for host in hosts]

    assert statuses[-3:] == [429] * 3
    assert log_in("secret", at="2001:db8:1:3::1").status_code == 302


@pytest.mark.one_database
def test_a_locked_account_stays_open_where_it_has_logged_in_before(clock: Any) -> None:
    assert log_in("secret").status_code == 302
    guess(30, at=ELSEWHERE)

    assert log_in("secret", at="192.0.2.77").status_code == 429
    assert log_in("secret").status_code == 302
    assert log_in("secret", at=ELSEWHERE).status_code == 429  # his success is not theirs
    clock.shift(timedelta(days=1, seconds=1))
    assert log_in("secret", at="192.0.2.77").status_code == 302


@pytest.mark.parametrize(("proxies", "status"), [(0, 429), (1, 302)])
@pytest.mark.one_database
def test_the_address_is_the_one_that_the_trusted_proxies_tell(
    settings: Any, proxies: int, status: int
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    for number in range(12):
        log_in(name=f"person{number}", HTTP_X_FORWARDED_FOR=f"192.0.2.5, {ELSEWHERE}")

    assert log_in("secret", HTTP_X_FORWARDED_FOR="192.0.2.6").status_code == status
    behind = log_in("secret", HTTP_X_FORWARDED_FOR=f"192.0.2.7, {ELSEWHERE}")
    assert behind.status_code == 429


def test_who_waits_is_told_so_in_indonesian_too() -> None:
    guess(5)

    page = log_in("secret", HTTP_ACCEPT_LANGUAGE="id").content.decode()

    assert "Tunggu 1 menit" in page


def test_the_log_tells_operators_but_not_whom_it_was_about(caplog: Any) -> None:
    guess(6)

    assert "Locking out somebody" in caplog.text
    assert "budi" not in caplog.text
    assert OFFICE not in caplog.text


def test_operators_are_told_that_passwords_are_guessed_but_not_whose() -> None:
    guess(4)
    assert not Alert.objects.exists()

    guess(3)

    alert = Alert.objects.get()
    assert alert.cause == AlertKind.LOCKOUT
    assert page_about(alert) == "/admin/leadsync/failedlogin/"
    assert "budi" not in alert.text
    assert OFFICE not in alert.text


def test_an_operator_lets_somebody_in_who_has_to_wait() -> None:
    guess(5)
    guess(1, name="sari", at=ELSEWHERE)
    operator = Staff("Operators")
    page = operator.sees("leadsync_failedlogin_changelist")
    assert "budi" in page
    assert OFFICE in page

    assert "User Agent" not in operator.sees(
        "leadsync_failedlogin_change", FailedLogin.objects.get(username="budi").pk
    )
    question = operator.runs("let_in", FailedLogin.objects.filter(username="budi"))
    assert "Let them try again?" in question.content.decode()
    answer = operator.runs("let_in", FailedLogin.objects.filter(username="budi"), confirmed="1")

    assert messages_of(answer) == ["1 entry is forgotten."]
    assert log_in("secret").status_code == 302
    assert FailedLogin.objects.get().username == "sari"
    assert Staff("Sales").status_of("leadsync_failedlogin_changelist") == 403


def test_a_wait_depends_on_nothing_but_the_count() -> None:
    waits = [wait_after(count, tries=5).total_seconds() for count in (0, 4, 5, 6, 11, 10**9)]

    assert waits == [0, 0, 60, 120, 3600, 3600]
