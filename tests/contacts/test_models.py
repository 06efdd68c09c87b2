"""Leads and workspaces: what the database refuses, and how a status moves."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from contacts.models import AuthorKind, Contact, Note, StatusChange, Workspace
from contacts.workflow import Why
from sarah.models import SarahState
from tests.factories import ContactFactory, SarahStateFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOTH = ((Contact, "phone"), (SarahState, "contact_phone"))
NO_PHONES = ["", "081234567890", "+0812345678", "+62812", "+62 812345678", "+628123456789\n"]


@pytest.fixture
def rows() -> None:
    """One row of every model that this module is about."""
    lead = ContactFactory()
    SarahStateFactory()
    lead.change({"lead_status": "qualified"}, by="sarah-bot", kind=AuthorKind.BOT)
    lead.notes.create(text="Called.", author="ani")


@pytest.mark.parametrize(
    ("model", "field", "wrong"),
    [
        *[(model, field, value) for model, field in BOTH for value in NO_PHONES],
        *[(model, "lead_score", value) for model in (Contact, SarahState) for value in (-1, 101)],
        *[(model, "lead_temperature", "boiling") for model in (Contact, SarahState)],
        *[(model, "language", "fr") for model in (Contact, SarahState)],
        (Contact, "lead_status", "won"),
        (Contact, "team_size", -1),
        (SarahState, "state", "dancing"),
        (SarahState, "message_count", -1),
        (SarahState, "sync_reason", "because"),
        (SarahState, "sync_reason", "sync_error"),
        (SarahState, "workspace_ref", "soon"),
        (StatusChange, "to", "won"),
        (StatusChange, "from_status", "won"),
        (StatusChange, "to", "new"),
        (StatusChange, "actor_kind", "ghost"),
        (Note, "author_kind", "ghost"),
        (Workspace, "region", "id"),
        (Workspace, "region", "I"),
        (Workspace, "kapso_phone_number_id", ""),
    ],
)
def test_the_database_refuses_what_cannot_be(rows, model, field, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.update(
            **{"synced_at": NOW} if wrong == "sync_error" else {}, **{field: wrong}
        )


def copy(row: Contact | SarahState, **changes: object) -> None:
    """Insert the row once more, past all that Python checks."""
    row.pk = None
    for name, value in changes.items():
        setattr(row, name, value)
    type(row).objects.bulk_create([row])


def test_a_phone_is_one_lead_in_a_workspace_and_may_be_another_elsewhere():
    lead = ContactFactory()

    copy(lead, workspace=WorkspaceFactory(slug="else"))
    with pytest.raises(IntegrityError), transaction.atomic():
        copy(lead)


@pytest.mark.parametrize(
    "home", [{}, {"workspace": None}, {"workspace": None, "workspace_ref": "x"}]
)
def test_a_phone_has_one_conversation_in_a_workspace_or_under_a_name_that_is_unknown(home):
    state = SarahStateFactory(**home)

    copy(state, workspace=None, workspace_ref="another")
    copy(state, workspace=WorkspaceFactory(slug="else"), workspace_ref="")
    with pytest.raises(IntegrityError), transaction.atomic():
        copy(state, **{"workspace": WorkspaceFactory(), "workspace_ref": "", **home})


@pytest.mark.parametrize("field", ["slug", "kapso_phone_number_id"])
def test_workspaces_have_slugs_and_kapso_ids_of_their_own(field):
    WorkspaceFactory(slug="a", kapso_phone_number_id="1")
    WorkspaceFactory(slug="b", kapso_phone_number_id="2")

    with pytest.raises(IntegrityError), transaction.atomic():
        Workspace.objects.filter(slug="b").update(**{field: {"slug": "a"}.get(field, "1")})


def test_there_is_a_workspace_to_begin_with():
    home = Workspace.objects.get()

    assert (home.slug, home.region, home.creates_contacts) == ("default", "ID", False)


def test_workspaces_without_a_kapso_id_do_not_clash():
    for slug in ("a", "b"):
        WorkspaceFactory(slug=slug, kapso_phone_number_id="")

    assert Workspace.objects.filter(kapso_phone_number_id=None).count() == 3


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"phone": "0812"}, "+6281234567890"),
        ({"lead_score": 101}, "100"),
        ({"lead_status": "won"}, "not a valid choice"),
        ({"phone": "+6281234567890"}, "already has a lead with this phone"),
    ],
)
def test_a_form_tells_a_person_what_is_wrong(wrong, sentence):
    lead, _other = ContactFactory(), ContactFactory(phone="+6281234567890")
    for name, value in wrong.items():
        setattr(lead, name, value)

    with pytest.raises(ValidationError) as refused:
        lead.full_clean()

    assert sentence in str(refused.value)


def test_a_status_that_moves_is_stamped_and_leaves_a_history_row():
    lead = ContactFactory()

    assert lead.change_status("archived", by="ani", why=Why(text="wrong number", archived="other"))

    lead.refresh_from_db()
    move = lead.status_changes.get()
    assert (lead.lead_status, lead.status_changed_by) == ("archived", "ani")
    assert (move.from_status, move.to, move.by) == ("new", "archived", "ani")
    assert (move.reason, move.at) == ("wrong number", lead.status_changed_at)
    assert (move.actor_kind, lead.moved_by_person_at) == ("person", move.at)


def test_a_status_that_stays_leaves_no_trace():
    lead = ContactFactory()

    assert not lead.change_status("new", by="ani")

    lead.refresh_from_db()
    assert (lead.status_changed_at, lead.status_changed_by) == (None, "")
    assert not lead.status_changes.exists()


def test_only_what_differs_is_written():
    lead = ContactFactory(name="Budi")
    Contact.objects.update(goals="ramai")  # meanwhile, by somebody else

    assert lead.change({"name": "Budi", "lead_score": 5}, by="ani") == ["lead_score"]
    assert lead.change({"name": "Budi", "lead_score": 5}, by="ani") == []

    lead.refresh_from_db()
    assert (lead.lead_score, lead.goals) == (5, "ramai")


def test_hot_leads_are_hot_by_word_or_by_score_and_still_to_be_won():
    expected = {
        ContactFactory(lead_temperature="hot").pk,
        ContactFactory(lead_score=70, lead_temperature="cold", lead_status="contacted").pk,
    }
    ContactFactory(lead_score=69, lead_temperature="warm")
    ContactFactory(lead_score=90, lead_status="converted")
    ContactFactory(lead_temperature="hot", lead_status="archived")

    assert set(Contact.objects.hot().values_list("pk", flat=True)) == expected


@pytest.mark.parametrize(
    ("typed", "finds"),
    [
        ("0812-3456", {"budi"}),
        ("+62 812 3456 7890", {"budi"}),
        ("812", {"budi"}),
        ("0899", set()),
        ("ani", {"ani"}),
        ("WARUNG", {"ani"}),
        ("Budi\x00", {"budi"}),
        ("%", set()),
    ],
)
def test_leads_are_found_by_any_spelling_of_a_phone_and_by_part_of_a_name(typed, finds):
    ContactFactory(phone="+6281234567890", name="budi")
    ContactFactory(phone="+6281311112222", name="ani", whatsapp_name="Warung Ani")

    assert set(Contact.objects.matching(typed).values_list("name", flat=True)) == finds
