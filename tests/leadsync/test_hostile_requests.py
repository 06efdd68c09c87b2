"""Requests that nobody sends by mistake are refused, and cost next to nothing."""

import time
from collections.abc import Iterator

import pytest
from django.test import Client

from leadsync.models import ApiKey, Scope
from monitoring.models import SyncFailure
from sarah.models import SarahState
from tests.bot import PHONE, Bot
from tests.callers import Caller
from tests.factories import MessageFactory, SyncFailureFactory
from tests.staff import Staff

pytestmark = pytest.mark.django_db

DEEP = b"[" * 1_100
ESCAPED = b'"' + b'\\"' * 32_000
MAX_CPU = 0.5
"""Seconds of the processor; a body whose parsing is not linear takes fifteen."""


@pytest.fixture
def _cheap() -> Iterator[None]:
    began = time.process_time()
    yield
    assert time.process_time() - began < MAX_CPU


@pytest.mark.usefixtures("_cheap")
@pytest.mark.parametrize(
    "body",
    [
        DEEP + ESCAPED,
        b'{"contact_phone": "+6281234567890", "extracted_data": {"x": ' + (DEEP + ESCAPED)[:60_000],
        b'{"a":' * 9_000 + b'"' * 9_000,
        (b"[" * 30 + b'"' + b"]" * 30) * 1_000,
        b"[" * 65_000,
        b'"' * 65_000,
        b"\\" * 65_000,
        b'"\\' * 21_000,
    ],
    ids=lambda body: f"{body[:9]!r}…{body[-9:]!r}",
)
def test_no_body_takes_long_to_be_refused(transactional_db: None, body: bytes) -> None:
    assert Bot().send(body).status_code == 400


def test_the_body_of_a_key_that_is_refused_is_kept_and_not_parsed(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    ApiKey.objects.all().revoke()
    monkeypatch.setattr("sarah.api.views.parse_body", lambda raw: 1 / 0)

    assert bot.post(PHONE, state="handoff").status_code == 401

    assert PHONE in SyncFailure.objects.get().payload["body"]


def test_a_number_with_thousands_of_groups_is_left_out(bot: Bot) -> None:
    answer = bot.post(PHONE, lead_score="1" + ".000" * 1_700, message_count=3)

    assert answer.status_code == 200
    assert "lead_score" in answer.json()["warnings"]
    assert SarahState.objects.get().message_count == 3


@pytest.mark.parametrize("path", ["/sarah/state", "/api/v1/leads/", "/api/v1/sync-failures/"])
def test_a_thousand_parameters_are_refused(bot: Bot, path: str) -> None:
    client = bot.client if path == "/sarah/state" else Caller(Scope.LEADS_READ, Scope.FAILURES_READ)

    answer = client.get(path + "?a=1" + "&a=1" * 1_001)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_the_docs_page_has_no_options(client: Client) -> None:
    assert client.options("/api/v1/docs/").status_code == 405


@pytest.mark.parametrize("page", ["leadsync/apikey", "auth/user", "contacts/workspace"])
def test_a_search_for_a_thousand_words_is_a_search_for_the_first(page: str) -> None:
    answer = Staff(is_superuser=True).client.get(f"/admin/{page}/?q=" + "word+" * 1_500)

    assert answer.status_code == 200


def test_the_page_of_a_failure_with_a_deeply_nested_body_is_small(bot: Bot) -> None:
    nested = '{"a":' * 200 + "[" + "1," * 30_000 + "1]" + "}" * 200
    bot.send(nested)

    page = Staff(is_superuser=True).client.get(
        f"/admin/monitoring/syncfailure/{SyncFailure.objects.get().pk}/change/"
    )

    assert b"1,1,1" in page.content
    assert len(page.content) < 256 * 1024


@pytest.mark.parametrize("list_", ["sarah/stateupdate/?key=", "monitoring/syncfailure/?group="])
@pytest.mark.parametrize("asked", ["9" * 25, "²", "x"])
def test_a_filter_by_an_id_that_no_row_has_finds_nothing(bot: Bot, list_: str, asked: str) -> None:
    MessageFactory()
    SyncFailureFactory()

    answer = Staff(is_superuser=True).client.get(f"/admin/{list_}{asked}")

    assert answer.status_code == 200
    assert answer.context["cl"].result_count == 0


@pytest.mark.parametrize(
    "link", ["a/b", "NDI/set-password", "%FF/%00", "OTk5OTk5OTk5OTk5OTk5OTk5/x-y"]
)
def test_a_link_to_choose_a_password_that_is_nobodys_says_so(client: Client, link: str) -> None:
    answer = client.get(f"/admin/password/{link}/")

    assert answer.status_code == 200
    assert b'type="password"' not in answer.content


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/", "/i18n/setlang/"])
def test_a_file_is_refused_before_it_is_read(client: Client, path: str) -> None:
    answer = client.post(path, b"x", content_type="multipart/form-data", CONTENT_LENGTH="3000000")

    assert answer.status_code == 413


def test_a_key_in_an_address_that_no_row_can_have_is_not_found(db: None) -> None:
    staff = Staff(is_superuser=True, is_staff=True)

    answer = staff.client.post(f"/admin/people/invite/{'9' * 25}/resend/")

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        "contacts/contact/?assigned_to__id__exact=",
        "contacts/contact/?workspace__id__exact=",
        "contacts/contact/?assigned_to=",
        "leadsync/apikey/?user=",
        "sarah/sarahstate/?contact=",
    ],
)
def test_a_filter_too_large_for_the_database_is_left_out(db: None, asked: str) -> None:
    answer = Staff(is_superuser=True, is_staff=True).client.get(
        f"/admin/{asked}{'9' * 25}", follow=True
    )

    assert answer.status_code == 200
