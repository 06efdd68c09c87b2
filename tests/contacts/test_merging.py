"""Two leads of one person become one, at once or at a person's word, and apart again."""

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from contacts.addresses import Address
from contacts.merging import NotUndoable, merge_by_hand, undo
from contacts.models import (
    AddressChange,
    ChatMark,
    ChatMessage,
    Contact,
    Departure,
    Merge,
    MergeSuggestion,
)
from monitoring.models import SyncFailure
from sarah.models import SarahState
from tests.bot import Bot
from tests.contacts.pages import sent_by
from tests.factories import ContactFactory, SarahStateFactory, SyncFailureFactory
from tests.kapso import Kapso
from tests.staff import Staff, messages_of
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

PHONE, USER_ID = "+6281234567890", "ID.26694801573320718846"


def by_phone(**fields: Any) -> Contact:
    return ContactFactory(phone=PHONE, **fields)


def by_id(**fields: Any) -> Contact:
    return ContactFactory(phone=None, business_scoped_user_id=USER_ID, **fields)


def hear_both(kapso: Kapso | None = None) -> None:
    """Somebody writes whose phone and id WhatsApp tells."""
    (kapso or Kapso()).hears(from_user_id=USER_ID)


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows of the apps about leads, but for what tells of merges and of the last change."""
    return {
        model._meta.label: sorted(
            ({name: row[name] for name in row if name != "updated_at"} for row in rows_of(model)),
            key=lambda row: row[model._meta.pk.attname],
        )
        for app in ("contacts", "sarah", "monitoring")
        for model in apps.get_app_config(app).get_models()
        if model not in (Merge, Departure)
    }


def rows_of(model: Any) -> Any:
    return model._base_manager.values()


def test_a_lead_without_a_word_of_a_person_is_absorbed() -> None:
    bare = by_id(whatsapp_name="Dewi", location="Bandung")
    kept = by_phone(name="Dewi K.", staff_fields=["name"])
    kept.notes.create(text="Called", author="ani")

    hear_both()

    lead = Contact.objects.get()
    assert (lead.pk, lead.address) == (kept.pk, Address(phone=PHONE, user_id=USER_ID))
    assert (lead.name, lead.whatsapp_name, lead.location) == ("Dewi K.", "Dewi", "Bandung")
    assert Merge.objects.get().absorbed["id"] == str(bare.pk)
    assert not MergeSuggestion.objects.exists()


def test_of_two_that_people_have_written_to_a_person_decides() -> None:
    one, other = by_phone(tags=["vip"]), by_id(email="dewi@example.com")

    hear_both()
    hear_both(Kapso(ContactFactory(workspace__slug="other").workspace))

    assert Contact.objects.filter(pk__in=[one.pk, other.pk]).count() == 2
    suggestion = MergeSuggestion.objects.get()
    assert (suggestion.first, suggestion.second) == (one, other)
    assert ChatMessage.objects.count() == 2


def test_two_who_are_known_in_full_are_two_people() -> None:
    by_phone(business_scoped_user_id="ID.1")
    ContactFactory(phone="+6281200000001", business_scoped_user_id=USER_ID)

    hear_both()

    assert Contact.objects.count() == 2
    assert not MergeSuggestion.objects.exists()


def test_their_conversations_become_one_and_sarah_remembers_both() -> None:
    bot = Bot()
    by_phone()
    by_id(tags=["vip"])
    bot.post(PHONE, extracted_data={"goals": "sell more"}, message_count=3)
    bot.post(None, business_scoped_user_id=USER_ID, extracted_data={"location": "Bandung"})

    hear_both()

    state = SarahState.objects.get()
    assert state.extracted_data == {"goals": "sell more", "location": "Bandung"}
    assert (state.contact, state.who) == (
        Contact.objects.get(),
        Address(phone=PHONE, user_id=USER_ID),
    )


def of_kapso(wamid: str, reached: dict[str, str]) -> tuple[str, dict[str, Any]]:
    ours = {"direction": "outbound", "statuses": [reached]}
    return "whatsapp.message.delivered", {"message": {"id": wamid, "type": "text", "kapso": ours}}


def of_meta(_wamid: str, reached: dict[str, str]) -> tuple[str, dict[str, Any]]:
    change = {"field": "messages", "value": {"statuses": [reached]}}
    return "", {"entry": [{"changes": [change]}]}


@pytest.mark.parametrize("deliver", [of_kapso, of_meta])
@pytest.mark.parametrize("are_leads", [True, False])
def test_a_delivery_mark_that_carries_both_ids_joins_as_well(deliver: Any, are_leads: bool) -> None:
    bot = Bot()
    if are_leads:
        by_phone()
        by_id()
    bot.post(PHONE, extracted_data={"goals": "sell more"}, message_count=3)
    bot.post(None, business_scoped_user_id=USER_ID, extracted_data={"location": "Bandung"})

    reached = {
        "id": "wamid.1",
        "status": "delivered",
        "timestamp": "1795400045",
        "recipient_id": PHONE.removeprefix("+"),
        "recipient_user_id": USER_ID,
    }
    Kapso().tell(*deliver("wamid.1", reached))

    assert Contact.objects.count() == are_leads
    state = SarahState.objects.get()
    assert state.extracted_data == {"goals": "sell more", "location": "Bandung"}
    assert state.who == Address(phone=PHONE, user_id=USER_ID)
    assert ChatMark.objects.get().status == "delivered"


def test_what_carries_both_takes_no_number_from_another_conversation() -> None:
    bot = Bot()
    bot.post(PHONE, business_scoped_user_id="ID.1")
    bot.post(None, business_scoped_user_id=USER_ID)

    hear_both(Kapso(creates_leads=False))

    assert SarahState.objects.count() == 2
    assert not SyncFailure.objects.filter(source="kapso").exists()


def two_full_leads() -> tuple[Contact, Contact]:
    """Two leads with everything that can belong to one."""
    one, other = by_phone(name="Dewi", tags=["vip"]), by_id(name="Bu Dewi", email="d@example.com")
    for lead in (one, other):
        lead.notes.create(text=f"Called {lead.name}", author="ani")
        lead.change_status("qualified", by="ani")
        state = SarahStateFactory(
            contact_phone=lead.phone, business_scoped_user_id=lead.business_scoped_user_id
        )
        SyncFailureFactory(state=state, contact_phone="", fingerprint=str(lead.pk))
    return Contact.objects.get(pk=one.pk), Contact.objects.get(pk=other.pk)


def test_what_a_person_merges_brings_all_along_and_takes_it_back() -> None:
    one, other = two_full_leads()
    before = everything()

    done = merge_by_hand(one.pk, other.pk, by="ani", chosen={"name": other.name})

    lead = Contact.objects.get()
    assert (lead.pk, lead.name, lead.email, lead.tags) == (
        *(one.pk, "Bu Dewi", "d@example.com", ["vip"]),
    )
    assert (lead.notes.count(), lead.status_changes.count()) == (2, 2)
    assert {state.contact_id for state in SarahState.objects.all()} == {one.pk}

    undo(done.pk, by="ani")

    assert everything() == before


def test_an_undone_merge_leaves_with_the_survivor_what_came_later() -> None:
    one, other = two_full_leads()
    done = merge_by_hand(one.pk, other.pk, by="ani", chosen={})
    lead = Contact.objects.get()
    later = lead.notes.create(text="Wants a demo", author="ani")
    lead.edit({"name": "Dewi Kusuma"}, by="ani")

    absorbed = undo(done.pk, by="ani")

    one.refresh_from_db()
    assert (one.name, one.email) == ("Dewi Kusuma", "")
    assert later in one.notes.all()
    assert [note.text for note in absorbed.notes.all()] == ["Called Bu Dewi"]
    assert absorbed.business_scoped_user_id == USER_ID
    assert one.business_scoped_user_id is None


def test_a_number_that_the_survivor_has_another_of_still_finds_it_until_it_is_undone() -> None:
    one, other = by_phone(), ContactFactory(phone="+6281200000001")
    done = merge_by_hand(one.pk, other.pk, by="ani", chosen={})

    kapso = Kapso()
    kapso.hears(phone="6281200000001")
    assert Contact.objects.get().pk == one.pk

    undo(done.pk, by="ani")
    assert not AddressChange.objects.exists()
    kapso.hears(phone="6281200000001")
    assert Contact.objects.count() == 2


@pytest.mark.parametrize("age", [timedelta(days=31), None])
def test_a_merge_is_undone_once_and_for_thirty_days(age: timedelta | None) -> None:
    one, other = by_phone(), by_id()
    done = merge_by_hand(one.pk, other.pk, by="ani", chosen={})
    if age:
        Merge.objects.update(at=timezone.now() - age)
    else:
        undo(done.pk, by="ani")

    with pytest.raises(NotUndoable):
        undo(done.pk, by="ani")


def test_first_messages_at_once_of_two_bare_leads_make_one() -> None:
    by_phone()
    by_id()
    kapso = Kapso()

    at_once([lambda: hear_both(kapso)] * 8)

    assert Contact.objects.count() == 1
    assert Merge.objects.count() == 1


def test_a_person_compares_and_chooses_field_by_field() -> None:
    one, other = two_full_leads()
    MergeSuggestion.objects.suggest(one, other)
    staff = Staff("Sales")
    assert "Compare and merge" in staff.sees("contacts_contact_change", one.pk)
    assert staff.list_of(Contact, merge="open").result_count == 2
    url = f"/admin/contacts/contact/{one.pk}/merge/{other.pk}/"
    page = staff.client.get(url)
    assert "Bu Dewi" in page.content.decode()
    assert f'href="/admin/contacts/contact/{one.pk}/change/">Cancel' in page.content.decode()

    done = staff.client.post(url, sent_by(page) | {"from-name": "other"}, follow=True)

    assert "30 days" in messages_of(done)[0]
    lead = Contact.objects.get()
    assert (lead.name, lead.email, lead.tags) == ("Bu Dewi", "d@example.com", ["vip"])
    assert "“Bu Dewi” was merged into this lead by" in staff.sees(
        "contacts_contact_change", lead.pk
    )

    staff.confirms("undo_merge", lead)
    assert Contact.objects.count() == 2


def test_the_other_lead_is_found_by_what_is_typed_into_the_menu_of_the_first() -> None:
    one, other = two_full_leads()
    staff = Staff("Sales")

    found = staff.confirms("merge_this", one, other=str(other))
    unknown = staff.confirms("merge_this", one, other="nobody").content.decode()

    assert found["HX-Redirect"].endswith(f"/{one.pk}/merge/{other.pk}/")
    assert "No other lead of this workspace matches “nobody”." in unknown
    assert 'value="nobody"' in unknown


def test_who_is_kept_apart_is_not_suggested_again() -> None:
    one, other = by_phone(tags=["vip"]), by_id(tags=["vip"])
    hear_both(kapso := Kapso())

    Staff("Sales").client.post(
        f"/admin/contacts/contact/{one.pk}/merge/{other.pk}/", {"apart": "1"}
    )
    hear_both(kapso)

    assert MergeSuggestion.objects.get().declined_by
    assert not MergeSuggestion.objects.open().exists()


def test_two_leads_are_chosen_in_the_list_and_no_other_number() -> None:
    one, other, third = by_phone(), by_id(), ContactFactory()
    staff = Staff("Sales")

    two = staff.runs("merge_two", [one, other])
    three = staff.runs("merge_two", [one, other, third])

    assert two.redirect_chain[0][0].endswith(f"/{one.pk}/merge/{other.pk}/")
    assert messages_of(three) == ["Select two leads of one workspace."]


def test_without_a_right_to_change_leads_nobody_merges() -> None:
    one, other = by_phone(), by_id()
    nobody = Staff()

    answer = nobody.client.post(f"/admin/contacts/contact/{one.pk}/merge/{other.pk}/")

    assert answer.status_code == 403
    assert Contact.objects.count() == 2
