"""API keys, accounts and the sidebar in the admin."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from leadsync.admin.navigation import navigation
from leadsync.bots import issue_key
from leadsync.models import ApiKey
from monitoring.models import Alert
from tests.contacts.pages import saves
from tests.factories import SyncFailureFactory, UserFactory, WorkspaceFactory
from tests.staff import Staff, action_url, messages_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def key() -> ApiKey:
    issue_key("sarah-bot", role="sarah")
    return ApiKey.objects.get()


def test_a_key_is_shown_by_what_it_may_do_and_never_itself() -> None:
    secret = issue_key("grok-bot", role="manager", workspace=WorkspaceFactory(slug="shop"))
    key = ApiKey.objects.get()
    staff = Staff("Operators")

    pages = [staff.sees("leadsync_apikey_changelist")]
    ApiKey.objects.all().revoke()
    pages.append(staff.sees("leadsync_apikey_change", key.pk))

    for page in pages:
        assert "grok-bot" in page
        assert key.prefix in page
        assert "Leads: read · Leads: write · Failures: read" in page
        assert "Shop" in page
        assert secret not in page
        assert key.digest not in page


def test_the_list_tells_valid_keys_from_others() -> None:
    for name in ("valid", "revoked", "expired", "off"):
        issue_key(f"{name}-bot", role="sarah")
    now = timezone.now()
    ApiKey.objects.filter(user__username="revoked-bot").revoke()
    ApiKey.objects.filter(user__username="expired-bot").update(expires_at=now - timedelta(days=1))
    User.objects.filter(username="off-bot").update(is_active=False)
    staff = Staff("Operators")

    def shown(**query: str) -> set[str]:
        return {key.user.username for key in staff.list_of(ApiKey, **query).result_list}

    assert shown(state="valid") == {"valid-bot"}
    assert shown(state="refused") == {"revoked-bot", "expired-bot", "off-bot"}
    assert shown(q="expired") == {"expired-bot"}
    page = staff.sees("leadsync_apikey_changelist")
    assert all(word in page for word in ("Valid", "Revoked", "Expired", "Bot switched off"))


def test_revoking_keys_is_explained_before_it_happens(key: ApiKey) -> None:
    staff = Staff("Operators")

    question = staff.runs("revoke", [key]).content.decode()
    assert "for good" in question
    assert ApiKey.objects.valid().exists()
    answer = staff.runs("revoke", [key], confirmed="1")

    assert messages_of(answer) == ["1 key revoked."]
    assert not ApiKey.objects.valid().exists()


def test_a_key_is_revoked_on_its_own_page_and_the_history_says_by_whom(key: ApiKey) -> None:
    staff = Staff("Operators")

    staff.confirms("revoke_this", key)

    assert not ApiKey.objects.valid().exists()
    assert staff.user.username in staff.sees("leadsync_apikey_history", key.pk)
    assert action_url("revoke_this", key) not in staff.sees("leadsync_apikey_change", key.pk)


@pytest.mark.parametrize("name", ["auth_user", "auth_group"])
def test_only_superusers_see_accounts_and_groups(name: str) -> None:
    person = User.objects.create_user("person")
    group = Group.objects.get(name="Sales")
    row = {"auth_user": person, "auth_group": group}[name]

    for staff, status in ((Staff("Operators"), 403), (Staff(is_superuser=True), 200)):
        assert staff.status_of(f"{name}_changelist") == status
        assert staff.status_of(f"{name}_add") == status
        assert staff.status_of(f"{name}_change", row.pk) == status


def test_rights_on_accounts_do_not_make_a_superuser() -> None:
    staff = Staff("Operators")
    about_accounts = Permission.objects.filter(content_type__app_label="auth")
    Group.objects.get(name="Operators").permissions.set(about_accounts)

    assert staff.status_of("auth_user_changelist") == 403


def test_bots_are_recognised_among_the_accounts() -> None:
    issue_key("sarah-bot", role="sarah")
    staff = Staff(is_superuser=True, username="root")

    bots = staff.list_of(User, account="bot").result_list
    page = staff.sees("auth_user_changelist", account="bot")

    assert [user.username for user in bots] == ["sarah-bot"]
    assert "Bot" in page


def test_a_superuser_makes_an_account_for_somebody_without_e_mail() -> None:
    staff, sales = Staff(is_superuser=True), Group.objects.get(name="Sales")
    typed = {"username": "ani", "first_name": "Ani", "groups": [sales.pk]}
    password = "a-long-pass-phrase"

    answer = staff.client.post(
        reverse("admin:auth_user_add"), typed | {"password1": password, "password2": password}
    )

    person = User.objects.get(username="ani")
    assert answer.url == reverse("admin:auth_user_change", args=[person.pk])
    assert person.check_password(password)
    assert (person.is_staff, list(person.groups.all())) == (True, [sales])
    page = reverse("admin:auth_user_password_change", args=[person.pk])
    staff.client.post(page, {"password1": "another-long-one", "password2": "another-long-one"})
    person.refresh_from_db()
    assert person.check_password("another-long-one")


def test_a_person_s_page_sends_a_link_to_set_a_new_password() -> None:
    boss, ani = Staff(is_superuser=True, first_name="Boss"), UserFactory(email="ani@example.com")
    bot = UserFactory(email="", is_staff=False)

    page = boss.sees("auth_user_change", ani.pk)
    boss.confirms("send_new_password", ani)

    (sent,) = mail.outbox
    assert sent.to == ["ani@example.com"]
    assert "Boss sends you a link to choose a new password" in sent.body
    assert "/admin/password/" in sent.body
    assert "They have one, which nobody can read." in page
    assert "pbkdf2" not in page
    assert action_url("send_new_password", ani) in page
    assert action_url("send_new_password", bot) not in boss.sees("auth_user_change", bot.pk)


def test_a_superuser_puts_a_person_into_a_group() -> None:
    staff = Staff(is_superuser=True)
    person = Staff("Sales").user
    operators = Group.objects.get(name="Operators")

    page = reverse("admin:auth_user_change", args=[person.pk])
    answer = saves(staff.client, page, groups=[str(operators.pk)])

    assert answer.status_code == 302
    person.refresh_from_db()
    assert list(person.groups.all()) == [operators]
    assert (person.is_active, person.is_staff, person.is_superuser) == (True, True, False)


def test_a_group_s_page_shows_what_it_may_and_saving_it_takes_nothing_away() -> None:
    group = Group.objects.get(name="Sales")
    before = set(group.permissions.values_list("pk", flat=True))
    staff = Staff(is_superuser=True)

    url = reverse("admin:auth_group_change", args=[group.pk])
    page = staff.client.get(url)
    rights = page.context["adminform"].form.fields["permissions"]
    kept = [str(right.pk) for right in rights.queryset if right.pk in before]
    staff.client.post(url, {"name": "Sales", "permissions": kept})

    shown = [label for _pk, label in rights.choices]
    assert {"Leads: see", "Let Sarah start over"} <= set(shown)
    assert not [label for label in shown if "Can " in label]
    assert len(kept) < len(before)

    assert set(group.permissions.values_list("pk", flat=True)) == before


OF_BOTH = (
    "Home",
    "Today",
    "Leads",
    "Conversations with Sarah",
    "Messages from Sarah",
    "Sync failures",
)
OF_SALES = [*OF_BOTH, "Workspaces"]
OF_OPERATORS = [
    *(*OF_BOTH, "Causes of failures", "Alerts", "Alert settings", "Deliveries from Kapso"),
    *("Reconciliations", "Workspaces", "API keys", "Failed log-ins"),
]


@pytest.mark.parametrize(
    ("group", "shown"),
    [
        ("Sales", OF_SALES),
        ("Operators", OF_OPERATORS),
        ("", ["Home"]),
    ],
)
def test_the_sidebar_shows_what_a_person_may_open(group, shown, rf) -> None:
    request = rf.get("/admin/")
    request.user = Staff(group).user

    entries = [item for section in navigation(request) for item in section["items"]]

    assert [str(entry["title"]) for entry in entries] == shown


def test_the_sidebar_counts_open_failures_and_alerts_and_forgets_them_when_they_are_ended() -> None:
    failure = SyncFailureFactory()
    Alert.objects.notice("silence", text="No message for over 24 hours.")
    staff = Staff("Operators")

    def badge() -> list[str]:
        entries = staff.client.get("/admin/").context["sidebar_navigation"]
        items = [item for section in entries for item in section["items"]]
        return [item["badge"] for item in items if "badge" in item]

    assert badge() == ["1", "1"]
    staff.confirms("mark_this_resolved", failure)
    assert badge() == ["1"]


def test_the_login_page_leads_to_the_dashboard() -> None:
    staff = Staff("Sales", username="sam", password="secret")
    staff.client.logout()

    answer = staff.client.post("/admin/login/", {"username": "sam", "password": "secret"})

    assert answer["Location"] == "/admin/"
    assert "LeadSync" in staff.client.get("/admin/login/", follow=True).content.decode()
