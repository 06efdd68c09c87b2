"""What holds on every page of the admin: it is cheap, harmless, and writes only on a yes."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core import mail
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from contacts.merging import merge_by_hand
from contacts.models import Contact, Note, Workspace
from leadsync.bots import issue_key
from leadsync.models import ApiKey
from monitoring.alerts.deliver import deliver_due
from monitoring.models import (
    Alert,
    AlertDelivery,
    AlertSettings,
    FailureGroup,
    NotificationPreferences,
    SyncFailure,
    SyncRun,
)
from sarah.models import KapsoFeed, SarahState, StateUpdate
from tests.bot import PHONE
from tests.contacts.pages import sent_by
from tests.factories import (
    CauseFactory,
    ContactFactory,
    MessageFactory,
    SarahStateFactory,
    SyncFailureFactory,
    UserFactory,
    WorkspaceFactory,
    unseen_lead,
)
from tests.monitoring.alarms import look, silence_of
from tests.staff import OVER_PAGE, Staff, action_url, messages_of, queries_of

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>{{7*7}}"


def conversation() -> SarahState:
    """One whose lead is there and not seen yet, so that a retry would sync it."""
    state = SarahStateFactory(state="handoff", message_count=9)
    unseen_lead(state)
    return state


def failure() -> SyncFailure:
    return conversation().failures.get()


def cause() -> FailureGroup:
    found = failure().group
    FailureGroup.objects.acknowledge(by="ani")
    return found


def key(name: str = "sarah-bot") -> ApiKey:
    issue_key(name, role="sarah", workspace=WorkspaceFactory())
    return ApiKey.objects.get(user__username=name)


def alert_settings(number: int = 0) -> AlertSettings:
    """Those of a workspace with an alert, which has been told."""
    workspace = WorkspaceFactory(slug=f"shop-{number}")
    made = AlertSettings.objects.create(workspace=workspace, emails=["a@example.com"])
    look(silence_of(workspace))
    deliver_due()
    mail.outbox.clear()
    return made


LISTS: dict[type[Model], Callable[[int], Any]] = {
    SarahState: lambda n: SarahStateFactory(contact_phone=ContactFactory(name=f"Lead {n}").phone),
    StateUpdate: lambda n: MessageFactory(),
    SyncFailure: lambda n: SarahStateFactory(),
    FailureGroup: lambda n: SyncFailureFactory(group=CauseFactory(function=f"f{n}")),
    ApiKey: lambda n: key(f"bot{n}"),
    Alert: alert_settings,
    AlertSettings: alert_settings,
    SyncRun: lambda n: SyncRun.objects.create(trigger="worker", finished_at=timezone.now()),
}
"""How the next row of each list comes about."""


def url_of(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


FOR_SALES = (SarahState, StateUpdate, SyncFailure)


@pytest.mark.parametrize("model", LISTS)
def test_operators_see_all_lists_sales_what_they_sell_by_and_nobody_else_any(
    model: type[Model],
) -> None:
    LISTS[model](1)
    row = model._default_manager.first()

    for url in (url_of(model, "changelist"), url_of(model, "change", row.pk)):
        seen = [Staff(group).client.get(url).status_code for group in ("Operators", "Sales", "")]
        assert seen == [200, 200 if model in FOR_SALES else 403, 403]


def test_the_head_of_a_page_says_where_one_is_in_words() -> None:
    staff, opened = Staff(is_superuser=True), failure()
    lead, state = Contact.objects.get(), SarahState.objects.get()
    Contact.objects.filter(pk=lead.pk).update(name="Budi")

    heads = {
        url: head_of(staff.client.get(url).content.decode())
        for url in (
            reverse("admin:index"),
            reverse("admin:contacts_contact_add"),
            reverse("admin:contacts_contact_changelist") + "?tab=today",
            url_of(SarahState, "change", state.pk),
            url_of(SyncFailure, "change", opened.pk),
        )
    }

    assert [*heads.values()] == [
        "Home",
        "Leads chevron_right Add lead",
        "Today",
        f"Conversations with Sarah chevron_right {state.contact_phone}",
        f"Sync failures chevron_right {state.contact_phone}",
    ]


def head_of(page: str) -> str:
    shown = re.search(r"(?s)<h1.*?</h1>", page)
    return " ".join(re.sub(r"<[^>]+>", " ", shown[0]).split()) if shown else ""


def test_a_wrong_log_in_is_told_once(client: Any) -> None:
    typed = {"username": "nobody", "password": "wrong"}

    page = client.post(reverse("admin:login"), typed).content.decode()

    assert page.count("bg-red-100") == 1
    assert "User name or password is wrong" in page


def test_every_list_says_what_a_phone_shows_of_a_row() -> None:
    for model, page in admin.site._registry.items():
        if model in (Contact, NotificationPreferences):
            continue  # a list of its own, and none at all
        lines: Any = page.on_phone  # type: ignore[attr-defined]
        assert lines, model
        for name in filter(None, (lines.who, lines.mark, lines.when)):
            assert name in page.list_display, (model, name)
        assert lines.told in page.list_display or hasattr(page, lines.told), model


@pytest.mark.parametrize("model", LISTS)
def test_a_list_takes_as_many_statements_for_many_rows_as_for_few(model: type[Model]) -> None:
    staff = Staff("Operators")
    for number in range(3):
        LISTS[model](number)
    few = queries_of(staff.client, url_of(model, "changelist"))
    for number in range(3, 30):
        LISTS[model](number)

    assert queries_of(staff.client, url_of(model, "changelist")) == few


@pytest.mark.parametrize(
    "model", [model for model in LISTS if model not in (AlertSettings, ApiKey)]
)
def test_nobody_writes_by_hand_what_leadsync_writes_itself(model: type[Model]) -> None:
    LISTS[model](1)
    row = model._default_manager.first()
    before = model._default_manager.values().get(pk=row.pk)
    root = Staff(is_superuser=True)

    for page, args in (("add", []), ("delete", [row.pk]), ("change", [row.pk])):
        url = url_of(model, page, *args)
        assert page == "change" or root.client.get(url).status_code == 403
        assert root.client.post(url, {"post": "yes", "body": "forged"}).status_code == 403

    assert model._default_manager.values().get(pk=row.pk) == before


def two_in_one() -> Contact:
    one, other = ContactFactory(), ContactFactory()
    merge_by_hand(one.pk, other.pk, by="ani", chosen={})
    return one


def failed_delivery() -> SyncFailure:
    return SyncFailureFactory(source="kapso", payload={"delivery": 1})


def ignored() -> FailureGroup:
    found = failure().group
    FailureGroup.objects.ignore(until=timezone.now() + timedelta(days=1), by="ani")
    return found


def with_second_factor() -> User:
    owner: User = UserFactory(email="ani@example.com")
    TOTPDevice.objects.create(user=owner)
    return owner


ASKED_ABOUT: dict[type[Model], Callable[[], Model]] = {
    Contact: two_in_one,
    SarahState: conversation,
    SyncFailure: failed_delivery,
    FailureGroup: ignored,
    ApiKey: key,
    AlertSettings: alert_settings,
    Workspace: lambda: KapsoFeed.objects.create(workspace=WorkspaceFactory()).workspace,
    User: with_second_factor,
}
"""Rows on which every question of their pages can be asked."""


def questions() -> Iterator[tuple[type[Model], str]]:
    """The model and the name of every action of the admin that asks first."""
    for model, page in admin.site._registry.items():
        for one in page._get_base_actions_detail():  # type: ignore[attr-defined]
            if one.dialog:
                yield model, one.method.original_function_name


def test_a_question_is_a_dialog_or_a_page_and_changes_nothing_until_who_may_says_yes() -> None:
    rows = {model: make() for model, make in ASKED_ABOUT.items()}
    root, stranger = Staff(is_superuser=True), Staff()
    before = everything()

    for model, action in questions():
        row = rows[model]
        url = action_url(action, row)
        dialog = root.client.get(url, headers=OVER_PAGE)
        page = root.client.get(url)

        assert dialog.content.strip().startswith(b'<div id="dialog">'), url
        assert "<h1" in (html := page.content.decode()), url
        assert f'href="{url_of(model, "change", row.pk)}">Cancel' in html, url
        assert sent_by(dialog).keys() <= sent_by(page).keys(), url
        assert stranger.confirms(action, row).status_code == 403, url

    assert everything() == before


def test_only_what_destroys_is_red() -> None:
    root, lead, bot = Staff(is_superuser=True), ContactFactory(), key()

    for row, action in ((bot, "revoke_this"), (lead, "erase_this")):
        assert "ls-danger" in root.client.get(action_url(action, row)).content.decode()
    menu = root.sees("contacts_contact_change", lead.pk)
    assert f'ls-danger" href="{action_url("erase_this", lead)}"' in menu
    assert 'aria-label="More actions"' in root.sees("leadsync_apikey_change", bot.pk)
    calm = root.client.get(action_url("retry_this", conversation())).content.decode()
    assert "ls-button ls-danger" not in calm


@pytest.mark.parametrize(
    ("make", "may_not", "actions"),
    [
        (conversation, "", "retry start_over"),
        (failure, "Sales", "retry mark_resolved"),
        (key, "Sales", "revoke"),
    ],
)
def test_an_action_of_a_list_does_nothing_for_who_may_not(
    make: Callable[[], Model], may_not: str, actions: str
) -> None:
    row = make()
    before = everything()

    for action in actions.split():
        Staff(may_not).runs(action, [row], confirmed="1")

    assert everything() == before


@pytest.mark.parametrize(
    ("make", "action", "is_done"),
    [
        (conversation, "retry_this", {"sync_reason": "", "has_open_failures": False}),
        (conversation, "start_this_over", {"state": "greeting", "message_count": 0}),
        (failure, "mark_this_resolved", {"resolution": "manual", "note": "Done."}),
    ],
)
def test_a_yes_on_a_rows_own_page_does_it_and_shows_the_page_again(
    make: Callable[[], Model], action: str, is_done: dict[str, object]
) -> None:
    row = make()

    answer = Staff("Operators").confirms(action, row, note="Done.")

    assert answer["HX-Redirect"] == url_of(type(row), "change", row.pk)
    row.refresh_from_db()
    assert {name: getattr(row, name) for name in is_done} == is_done


def test_a_yes_without_a_script_shows_the_rows_page_and_a_second_one_tells_it_is_done() -> None:
    staff, row = Staff("Operators"), key()
    url, says_yes = action_url("revoke_this", row), {"_form_submitted": "True"}

    first = staff.client.post(url, says_yes, follow=True)
    second = staff.client.post(url, says_yes, follow=True)

    assert first.redirect_chain == second.redirect_chain
    assert first.redirect_chain == [(url_of(ApiKey, "change", row.pk), 302)]
    assert messages_of(first) == ["1 key revoked."]
    assert messages_of(second) == ["This is not possible now: see how it stands."]


def everything() -> list[Any]:
    models = (SarahState, SyncFailure, FailureGroup, ApiKey, AlertDelivery, Contact, Note)
    return [list(model.objects.order_by("pk").values()) for model in models] + [mail.outbox[:]]


PHONES = ["0812-3456-7890", "+62 812 3456 7890", "62812", "812 3456", "whatsapp:+6281234567890"]


@pytest.mark.parametrize(
    ("model", "typed"),
    [
        *((model, typed) for model in (Contact, SarahState) for typed in (*PHONES, "budi", "DI S")),
        *((model, typed) for model in (SyncFailure, StateUpdate) for typed in PHONES),
    ],
)
def test_a_row_is_found_by_its_phone_in_any_spelling_and_by_name(
    model: type[Model], typed: str
) -> None:
    for phone, name in ((PHONE, "Budi Santoso"), ("+6289876543210", "Ani")):
        state = SarahStateFactory(contact_phone=ContactFactory(phone=phone, name=name).phone)
        MessageFactory(state=state)
        SyncFailureFactory(state=state, contact_phone=phone)

    (row,) = Staff("Operators").list_of(model, q=typed).result_list

    assert row == model._default_manager.order_by("pk").first()


@pytest.mark.one_database
def test_whatever_a_lead_or_an_exception_says_is_only_text() -> None:
    lead = ContactFactory(
        name=HOSTILE, whatsapp_name="<img src=x onerror=alert(1)>", tags=[f'">{HOSTILE}'],
        goals=f"</textarea>{HOSTILE}",
    )  # fmt: skip
    lead.notes.create(text=HOSTILE, author="<script>")
    state = SarahStateFactory(contact_phone=lead.phone, extracted_data={HOSTILE: HOSTILE})
    waiting = SarahStateFactory(workspace=None, workspace_ref=HOSTILE)
    broken = CauseFactory(exception=HOSTILE, note=HOSTILE)
    texts = dict.fromkeys(("error", "traceback", "note", "workspace_ref"), HOSTILE)
    failed = SyncFailureFactory(group=broken, payload={"body": f'{{"a": "{HOSTILE}"}}'}, **texts)
    said = MessageFactory(
        state=state, body=HOSTILE, changes={HOSTILE: [HOSTILE, HOSTILE]}, warnings={"a": HOSTILE}
    )
    staff = Staff("Operators")

    for row in (lead, state, waiting, broken, failed, said):
        for url in (url_of(type(row), "changelist"), url_of(type(row), "change", row.pk)):
            page = staff.client.get(url).content.decode()
            assert "&lt;script&gt;alert(1)" in page or url == url_of(StateUpdate, "changelist")
            assert "<script>alert" not in page, url
            assert "<img src=x" not in page, url
            assert not re.search(r'(x-[a-z:.-]+|[@:][a-z.-]+|hx-[a-z]+)="[^"]*(alert|7\*7)', page)


def test_times_are_written_in_one_way_and_apps_have_no_pages_of_their_own() -> None:
    root = Staff(is_superuser=True)
    ani = UserFactory(last_login=datetime(2026, 11, 3, 9, 30, tzinfo=UTC))

    assert "3 Nov 2026, 16:30" in root.sees("auth_user_change", ani.pk)
    assert root.client.get("/admin/contacts/").url == reverse("admin:index")
