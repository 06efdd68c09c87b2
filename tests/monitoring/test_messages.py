"""An alert says where, what, why and what to do, in its reader's language, with a link."""

from typing import Any

import pytest
from django.core import checks, mail
from django.test import override_settings
from django.utils import translation

from leadsync.bots import issue_key
from leadsync.models import ApiKey
from monitoring.alerts.announce import finding, notice_key
from monitoring.alerts.deliver import SMTP, deliver_due
from monitoring.alerts.messages import page_about
from monitoring.alerts.texts import advice_of, sentence_of
from monitoring.alerts.watch import look
from monitoring.models import Alert, AlertKind, AlertSettings
from monitoring.models.alerts import ABOUT_CAUSES
from tests.factories import SyncFailureFactory, WorkspaceFactory
from tests.staff import Staff

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

SITE = "https://leads.example.com"


def told(*settings: AlertSettings) -> list[str]:
    """What each of them reads, after a look and without the time."""
    look()
    deliver_due()
    bodies = {message.to[0]: message.body for message in mail.outbox}
    return [bodies[one.emails[0]].rpartition("\n\n")[0] for one in settings]


def recipient(language: str = "en", **fields: Any) -> AlertSettings:
    name = f"{language}.{fields.get('workspace', 'all')}@example.com".lower()
    return AlertSettings.objects.create(language=language, emails=[name], **fields)


@pytest.fixture(autouse=True)
def _site(settings: Any) -> None:
    settings.LEADSYNC_SITE_URL = SITE


def test_an_alert_names_workspace_and_cause_says_what_to_do_and_links_to_the_page() -> None:
    cause = SyncFailureFactory(
        workspace_ref=WorkspaceFactory(slug="bandung").slug,
        group__exception="ValueError",
        group__function="sync.copy",
    ).group

    (text,) = told(recipient())

    assert text.split("\n\n") == [
        "[LeadSync] Bandung: new cause of failures: Sync error (ValueError: sync.copy). "
        "Open failures: 1.",
        f"What to do: {cause.advice}",
        f"{SITE}/admin/monitoring/failuregroup/{cause.pk}/change/",
    ]


@pytest.mark.both_databases
def test_people_of_one_workspace_are_told_of_their_own_failures_alone() -> None:
    ours, theirs = WorkspaceFactory(slug="ours"), WorkspaceFactory(slug="theirs")
    failure = SyncFailureFactory(workspace_ref="ours")
    SyncFailureFactory.create_batch(2, group=failure.group, workspace_ref="theirs")

    own, all_of_them = told(recipient(workspace=ours), recipient())

    assert own.startswith("[LeadSync] Ours: new cause of failures: Sync error. Open failures: 1.")
    assert "Theirs" not in own
    assert all_of_them.startswith("[LeadSync] Ours, Theirs: new cause")
    assert "Open failures: 3." in all_of_them
    assert theirs.name


def test_an_alert_is_in_the_language_of_its_reader() -> None:
    SyncFailureFactory(workspace_ref=WorkspaceFactory().slug)

    english, indonesian = told(recipient("en"), recipient("id", workspace=WorkspaceFactory()))

    assert "What to do: Copying the conversation to the lead failed" in english
    assert "Yang perlu dilakukan: " in indonesian
    assert "new cause" not in indonesian
    indonesian_staff = Staff("Operators")
    indonesian_staff.client.cookies["django_language"] = "id"
    assert "new cause" not in indonesian_staff.sees("monitoring_alert_changelist")


def test_each_kind_has_a_sentence_advice_and_a_page_that_opens() -> None:
    workspace, cause = WorkspaceFactory(), SyncFailureFactory().group
    about = {"source": "sarah", "kind": "sync_error", "exception": "", "function": "", "count": 1}
    numbers = {"failed": 5, "total": 9, "limit": 5, "hours": 24, "key": "ls_1234"}
    numbers |= {"free": "0.9", "folder": "leads:/srv/var"}
    operator = Staff(is_superuser=True)
    for kind in AlertKind:
        subject = str(cause.pk) if kind in ABOUT_CAUSES else ""
        found = finding(kind, subject=subject, workspace=workspace, **about | numbers)
        Alert.objects.notice(
            found.kind,
            subject=found.subject,
            workspace_id=found.workspace_id,
            text=found.text,
            details=found.details,
        )

    for alert in Alert.objects.all():
        with translation.override("en"):
            assert sentence_of(alert) == alert.text
        assert advice_of(alert)
        assert operator.client.get(page_about(alert)).status_code == 200


def test_an_alert_of_the_release_before_is_told_as_it_stands() -> None:
    alert = Alert.objects.create(cause=AlertKind.SILENCE, text="No message\r\nfor days.")

    assert sentence_of(alert) == "No message for days."


def test_a_key_is_told_by_its_prefix_and_its_bot() -> None:
    issue_key("sarah-bot", role="sarah")
    notice_key(AlertKind.REVOKED_KEY, ApiKey.objects.get())

    alert = Alert.objects.get()

    assert alert.text.endswith(f"still in use: {alert.subject}… (sarah-bot).")
    assert page_about(alert).endswith(f"?q={alert.subject}")


@pytest.mark.parametrize(
    ("environment", "on", "warnings"),
    [
        ({"LEADSYNC_SITE_URL": "", "EMAIL_HOST": ""}, True, ["leadsync.W001", "leadsync.W002"]),
        ({"LEADSYNC_SITE_URL": SITE, "EMAIL_HOST": "smtp.example.com"}, True, []),
        ({"LEADSYNC_SITE_URL": "", "EMAIL_HOST": ""}, False, []),
    ],
)
def test_deploying_with_alerts_on_warns_of_what_they_lack(
    environment: dict[str, str], on: bool, warnings: list[str]
) -> None:
    AlertSettings.objects.create(emails=["ops@example.com"], is_active=on)

    with override_settings(EMAIL_BACKEND=SMTP, **environment):
        found = checks.run_checks(include_deployment_checks=True)

    assert [one.id for one in found if str(one.id).startswith("leadsync.W")] == warnings


@pytest.mark.parametrize(("secret", "told"), [("", ["leadsync.I001"]), ("for-the-tests-0123", [])])
def test_deploying_behind_a_proxy_tells_what_only_a_secret_ensures(
    secret: str, told: list[str]
) -> None:
    with override_settings(LEADSYNC_TRUSTED_PROXIES=1, LEADSYNC_PROXY_SECRET=secret):
        found = checks.run_checks(include_deployment_checks=True)

    assert [one.id for one in found if str(one.id).startswith("leadsync.I")] == told
