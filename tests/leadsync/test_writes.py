"""Several rows in one statement: saved as one by one, and all or none."""

from contextlib import suppress

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Model
from django.db.models.signals import post_init, post_save, pre_init
from django.db.utils import IntegrityError
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact, StatusChange
from leadsync.infra.writes import Collected, as_one_statement
from tests.factories import ContactFactory

pytestmark = pytest.mark.django_db


def move(lead: Contact, to: str) -> StatusChange:
    """A move of the lead, saved as the product saves it."""
    change = StatusChange(contact=lead, from_status=lead.lead_status, to=to, by="ani")
    lead.lead_status = to
    lead.save(update_fields=["lead_status", "updated_at"])
    change.save(force_insert=True)
    return change


def test_rows_are_written_as_by_their_own_saves() -> None:
    one, other = ContactFactory.create_batch(2, lead_status="new")
    updated_at = other.updated_at

    move(one, "qualified")
    with CaptureQueriesContext(connection) as statements, as_one_statement():
        move(other, "qualified")
        assert not statements.captured_queries

    assert len(statements) == (1 if connection.vendor == "postgresql" else 2)
    for lead in (one, other):
        lead.refresh_from_db()
        assert lead.lead_status == "qualified"
        assert list(lead.status_changes.values_list("to", "by")) == [("qualified", "ani")]
    assert other.updated_at > updated_at


def test_signals_are_sent_as_ever() -> None:
    lead = ContactFactory(lead_status="new")
    heard = []

    def hear(instance: object, created: bool, update_fields: object, **_: object) -> None:
        heard.append((type(instance), created, update_fields))

    post_save.connect(hear)
    try:
        with as_one_statement():
            move(lead, "qualified")
    finally:
        post_save.disconnect(hear)

    fields = frozenset({"lead_status", "updated_at"})
    assert heard == [(Contact, False, fields), (StatusChange, True, None)]


def test_nothing_is_written_if_the_block_raises() -> None:
    lead = ContactFactory(lead_status="new")

    with suppress(RuntimeError), as_one_statement():
        move(lead, "qualified")
        raise RuntimeError

    assert Contact.objects.get().lead_status == "new"
    assert not StatusChange.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_what_it_refuses_of_single_saves() -> None:
    lead = ContactFactory(lead_status="new")

    with pytest.raises(IntegrityError), as_one_statement():
        move(lead, "sold")


@pytest.mark.parametrize("model", [one for one in apps.get_models() if issubclass(one, Collected)])
def test_a_row_is_read_as_django_reads_it(model: type[Collected]) -> None:
    names = [field.attname for field in model._meta.concrete_fields]
    values = [number for number, _ in enumerate(names)]

    ours = model.from_db("default", names, values)
    djangos = Model.from_db.__func__(model, "default", names, values)

    assert vars(ours).keys() == vars(djangos).keys()
    assert vars(ours) | {"_state": None} == vars(djangos) | {"_state": None}
    for state in (ours._state, djangos._state):
        assert (state.adding, state.db, state.fields_cache) == (False, "default", {})
    assert not pre_init.has_listeners(model)
    assert not post_init.has_listeners(model)
