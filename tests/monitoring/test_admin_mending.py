"""The one button of a cause or failure really ends it, whatever it is."""

import json
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from contacts.models import Contact
from leadsync.models import ApiKey
from monitoring.alerts.watch import look
from monitoring.models import Alert, FailureGroup, SyncFailure
from sarah.models import SarahState
from tests.bot import PHONE, SYNCED, Bot, not_synced
from tests.factories import ContactFactory, SarahStateFactory, WorkspaceFactory
from tests.staff import Staff, messages_of, queries_of

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = "+6281299990001"


@pytest.fixture
def staff() -> Staff:
    return Staff("Operators")


def issue_of(staff: Staff, row: FailureGroup | SyncFailure) -> dict[str, Any]:
    page = reverse(f"admin:monitoring_{row._meta.model_name}_change", args=[row.pk])
    return staff.client.get(page).context["issue"]


def press(staff: Staff, row: Any, *, everybody: bool = True, **typed: object) -> Any:
    """Press the primary button of a page, with all rows ticked or none."""
    issue = issue_of(staff, row)
    sent = dict([issue["back"]]) | typed | ({"everybody": "1"} if everybody else {})
    return staff.client.post(issue["primary"].url, sent, follow=True)


def repairs(staff: Staff, failure: SyncFailure, **typed: str) -> Any:
    form = issue_of(staff, failure)["repair"]
    sent = {f"repair-{name}": value for name, value in typed.items()}
    sent |= {"failure": failure.pk, "message": form.body or ""}
    return staff.client.post(reverse("admin:monitoring_syncfailure_repair"), sent, follow=True)


# Titles: the concrete reason


def test_each_reason_has_a_cause_of_its_own_that_says_it(bot: Bot, staff: Staff) -> None:
    for ref in ("tidak-ada", "soon"):
        bot.post(workspace_id=ref)
    bot.send('{"state": "handoff"}')
    bot.send("{")
    bot.post(OTHER, lead_score="many", extracted_data={"team_size": "some", "x": 1})

    titles = set(staff.sees("monitoring_failuregroup_changelist").split("<b>"))

    for title in (
        "Workspace <code>tidak-ada</code> does not exist</b>",
        "Workspace <code>soon</code> does not exist</b>",
        "<code>contact_phone</code> is missing</b>",
        "A message is no JSON object</b>",
        "<code>extracted_data.team_size</code>, <code>lead_score</code> cannot be used</b>",
    ):
        assert any(one.startswith(title) for one in titles), title


def test_a_bot_that_makes_up_workspaces_makes_no_flood_of_causes(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FailureGroup, "MAX_SUBJECTS", 3)

    for number in range(8):
        bot.post(f"+628120000000{number}", workspace_id=f"made-up-{number}")

    assert FailureGroup.objects.count() == 5
    assert FailureGroup.objects.get(subject="").failures.count() == 4


def test_a_hostile_name_is_shown_and_not_run(bot: Bot, staff: Staff) -> None:
    bot.post(workspace_id="`<script>alert(1)</script>`{{7*7}}")

    page = staff.sees("monitoring_failuregroup_change", FailureGroup.objects.get().pk)

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


# People who are no leads yet


def test_people_are_added_with_what_sarah_knows(bot: Bot, staff: Staff) -> None:
    for number in range(3):
        bot.post(f"+628120000000{number}", lead_score=80, extracted_data={"business_type": "cafe"})
    cause = FailureGroup.objects.get()
    assert issue_of(staff, cause)["primary"].label == "Add these 3 people"

    answer = press(staff, cause)

    assert messages_of(answer)[0] == "3 people are leads now."
    assert set(Contact.objects.values_list("business_type", "lead_score")) == {("cafe", 80)}
    assert not SyncFailure.objects.open().exists()


def test_only_who_is_ticked_is_added(bot: Bot, staff: Staff) -> None:
    for number in range(3):
        bot.post(f"+628120000000{number}")
    first = SyncFailure.objects.order_by("pk").first()

    press(staff, first.group, everybody=False, _selected_action=first.pk)

    assert Contact.objects.get().phone == first.contact_phone


def test_who_wrote_to_no_workspace_is_added_to_the_one_that_is_chosen(
    bot: Bot, staff: Staff
) -> None:
    WorkspaceFactory()
    home = WorkspaceFactory(slug="kopi-kita")
    bot.post()

    press(staff, SyncFailure.objects.get(), workspace=home.pk)

    assert Contact.objects.get().workspace == home
    assert bot.post(message_count=2).json() == SYNCED


# Somebody who is a lead in several workspaces


def test_who_is_a_lead_in_several_belongs_from_now_on_where_a_person_says(
    bot: Bot, staff: Staff
) -> None:
    homes = [WorkspaceFactory(slug=slug) for slug in ("kopi-kita", "toko")]
    leads = [ContactFactory(phone=PHONE, workspace=home) for home in homes]
    assert bot.post(lead_score=70).json() == not_synced("ambiguous_contact")
    cause = FailureGroup.objects.get()
    assert [name for _pk, name in issue_of(staff, cause)["primary"].choices] == [
        "Kopi-Kita",
        "Toko",
    ]

    press(staff, cause, workspace=homes[1].pk)

    leads[1].refresh_from_db()
    assert leads[1].lead_score == 70
    assert not SyncFailure.objects.open().exists()
    assert bot.post(lead_score=90, message_count=2).json() == SYNCED
    assert SarahState.objects.get().lead_score == 90


def test_a_choice_that_comes_after_the_bots_own_word_changes_nothing(
    bot: Bot, staff: Staff
) -> None:
    homes = [WorkspaceFactory(slug=slug) for slug in ("kopi-kita", "toko")]
    for home in homes:
        ContactFactory(phone=PHONE, workspace=home)
    bot.post()
    failure = SyncFailure.objects.get()
    bot.post(workspace_id="kopi-kita", message_count=2)

    SyncFailure.objects.update(resolved_at=None, resolution="", resolved_by="")
    press(staff, failure, workspace=homes[1].pk)

    assert SarahState.objects.get().workspace == homes[0]


# Workspaces that do not exist


def test_a_misspelt_workspace_is_told_and_its_people_are_put_where_they_belong(
    bot: Bot, staff: Staff
) -> None:
    home = WorkspaceFactory(slug="kopi-kita")
    WorkspaceFactory()
    ContactFactory(phone=PHONE, workspace=home)
    bot.post(workspace_id="kopi-kiat", lead_score=60)
    issue = issue_of(staff, FailureGroup.objects.get())
    assert "Did you mean kopi-kita?" in issue["help"].hint
    assert "slug=kopi-kiat" in issue["primary"].url

    (put,) = issue["help"].beside
    sent = dict([issue["back"]]) | {"everybody": "1", "workspace": put.workspace}
    staff.client.post(put.url, sent)

    assert Contact.objects.get().lead_score == 60
    assert not SyncFailure.objects.open().exists()


# Fields that could not be used


def test_unusable_fields_are_repaired_where_they_are_shown(bot: Bot, staff: Staff) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(lead_score="banyak", state="qualifying", extracted_data={"team_size": "beberapa"})
    failure = SyncFailure.objects.get()
    fields = issue_of(staff, failure)["repair"].fields
    assert {(field.name, field.value) for field in fields} == {
        ("lead_score", "banyak"),
        ("extracted_data.team_size", "beberapa"),
    }

    wrong = repairs(staff, failure, lead_score="viele")
    assert "lead_score" in messages_of(wrong)[0]
    repairs(staff, failure, lead_score="75", **{"extracted_data.team_size": "4"})

    lead.refresh_from_db()
    assert (lead.lead_score, lead.team_size, lead.lead_status) == (75, 4, "qualified")
    failure.refresh_from_db()
    assert (failure.resolution, failure.resolved_by) == ("retried", staff.user.username)


def test_a_repair_does_not_undo_what_sarah_said_since(bot: Bot, staff: Staff) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(lead_score="banyak", message_count=1)
    failure = SyncFailure.objects.get()
    bot.post(lead_score=90, message_count=2)

    repairs(staff, failure, lead_score="10")

    lead.refresh_from_db()
    assert lead.lead_score == 90


def test_a_repair_types_only_the_fields_that_were_wrong(bot: Bot, staff: Staff) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(lead_score="banyak")

    repairs(staff, SyncFailure.objects.get(), state="completed", lead_score="50")

    lead.refresh_from_db()
    assert (lead.lead_score, lead.lead_status) == (50, "new")


# Refused messages


@pytest.mark.parametrize(
    ("body", "typed"),
    [
        ({"lead_score": 66}, {"contact_phone": PHONE}),
        ({"lead_score": 66, "contact_phone": "Budi"}, {"contact_phone": "0812-3456-7890"}),
        ("{not json", {"body": json.dumps({"contact_phone": PHONE, "lead_score": 66})}),
    ],
)
@pytest.mark.one_database
def test_a_refused_message_is_put_right_and_received(
    bot: Bot, staff: Staff, body: Any, typed: dict[str, str]
) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.send(body if isinstance(body, str) else json.dumps(body))
    failure = SyncFailure.objects.get()

    still_wrong = repairs(staff, failure, **dict.fromkeys(typed, "?"))
    assert SyncFailure.objects.open().exists(), messages_of(still_wrong)
    repairs(staff, failure, **typed)

    lead.refresh_from_db()
    assert lead.lead_score == 66
    assert not SyncFailure.objects.open().exists()


def test_messages_of_a_key_that_had_ended_are_sent_again(bot: Bot, staff: Staff) -> None:
    ContactFactory(phone=PHONE)
    ApiKey.objects.update(expires_at=timezone.now())
    bot.post(lead_score=66)
    ApiKey.objects.update(expires_at=None)
    cause = FailureGroup.objects.get()
    assert "valid key first" in issue_of(staff, cause)["help"].hint

    press(staff, cause)

    assert Contact.objects.get().lead_score == 66


# Who may


def test_nobody_mends_in_a_workspace_that_is_not_theirs(bot: Bot) -> None:
    home, elsewhere = (WorkspaceFactory(slug=slug, members=[]) for slug in ("a", "b"))
    bot.post(workspace_id="a")
    cause = FailureGroup.objects.get()
    stranger = Staff("Sales", workspaces=[elsewhere])

    url = reverse("admin:monitoring_syncfailure_add_people")
    stranger.client.post(url, {"cause": cause.pk, "everybody": "1", "workspace": home.pk})

    assert not Contact.objects.exists()


def test_a_mending_is_a_post_of_somebody_who_may(bot: Bot, staff: Staff) -> None:
    bot.post()
    cause = FailureGroup.objects.get()
    nobody = Staff()

    for name in ("add_people", "move_people", "retry_people", "send_messages", "repair"):
        url = reverse(f"admin:monitoring_syncfailure_{name}")
        assert staff.client.get(url).status_code == 405
        assert nobody.client.post(url, {"cause": cause.pk, "everybody": "1"}).status_code == 403

    assert not Contact.objects.exists()


# Ignoring


def test_an_ignored_cause_counts_in_no_number(bot: Bot, staff: Staff) -> None:
    bot.post(workspace_id="tidak-ada")
    badge, alerts = SyncFailure.objects.to_deal_with, Alert.objects.to_deal_with
    look()
    assert (badge().count(), alerts().filter(cause="new_group").count()) == (1, 1)

    staff.confirms("ignore", FailureGroup.objects.get(), hours="0", note="Known.")

    assert (badge().count(), alerts().filter(cause="new_group").count()) == (0, 0)
    page = staff.sees("monitoring_failuregroup_change", FailureGroup.objects.get().pk)
    assert "until somebody reopens it" in page
    staff.confirms("reopen", FailureGroup.objects.get())
    assert badge().count() == 1


# The list


def test_causes_are_searched_and_dealt_with_together(bot: Bot, staff: Staff) -> None:
    bot.post(workspace_id="tidak-ada")
    bot.post(OTHER, workspace_id="soon")
    causes = FailureGroup.objects.all()

    def found(words: str) -> set[str]:
        rows = staff.list_of(FailureGroup, q=words).result_list
        return {cause.subject for cause in rows}

    assert found("workspace tidak") == {"tidak-ada"}
    assert found("0812-9999") == {"soon"}
    assert found("does not exist") == {"soon", "tidak-ada"}
    staff.runs("acknowledge_these", causes, confirmed="1", note="Mine.")
    assert {cause.acknowledged_by for cause in causes.all()} == {staff.user.username}
    answer = staff.runs("resolve_these", causes[:1], confirmed="1", note="Gone.")
    assert messages_of(answer) == ["1 failure marked resolved."]
    staff.runs("ignore_these", causes, confirmed="1", hours="1", note="")
    assert causes.ignored().count() == 1


def test_all_of_a_cause_is_seen_with_its_neighbours(bot: Bot, staff: Staff) -> None:
    for number in range(3):
        SarahStateFactory(contact_phone=f"+628120000000{number}")
    cause = FailureGroup.objects.get()
    page = reverse("admin:monitoring_failuregroup_change", args=[cause.pk])

    sample = staff.client.get(page, {"sample": "2"}).context["issue"]["sample"]

    assert (sample.number, sample.total, sample.newer, sample.older) == (
        2,
        3,
        "?sample=1",
        "?sample=3",
    )
    assert sample.failure.contact_phone == "+6281200000001"


@pytest.mark.one_database
def test_a_page_takes_the_same_statements_and_few_bytes_however_many_are_affected(
    bot: Bot, staff: Staff
) -> None:
    SarahStateFactory.create_batch(5)
    cause = FailureGroup.objects.get()
    page = reverse("admin:monitoring_failuregroup_change", args=[cause.pk])
    issue_of(staff, cause)  # content types are remembered
    few = queries_of(staff.client, page)
    SarahStateFactory.create_batch(60)

    assert queries_of(staff.client, page) == few
    assert few <= 30
    assert len(staff.client.get(page).content) < 140_000
    assert issue_of(staff, cause)["affected"].more == 15
