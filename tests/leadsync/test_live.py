"""Open pages ask whether they look different by now, and an unchanged one costs little."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import F
from django.urls import reverse

from contacts.models import Contact
from monitoring.kinds import Kind
from monitoring.models import FailureGroup, SyncFailure
from sarah.models import SarahState
from tests.factories import ContactFactory, SarahStateFactory, SyncFailureFactory
from tests.staff import Staff

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

LISTS = ["sarah_sarahstate", "monitoring_syncfailure", "monitoring_failuregroup"]


def live(staff: Staff, url: str, version: str = "") -> Any:
    known = {"If-None-Match": version} if version else {}
    return staff.client.get(url, headers={"X-Live": "1", "Accept-Encoding": "gzip", **known})


def note() -> None:
    Contact.objects.get().notes.create(text="Called.", author="ani")


def again() -> None:
    for failure in SyncFailure.objects.all():
        failure.occurrences += 1
        failure.save()


def heard() -> None:
    SarahState.objects.update(message_count=F("message_count") + 1)


def pages() -> list[tuple[str, Callable[[], object]]]:
    """Each page that stays open, and something that makes it look different."""
    lead = ContactFactory(name="Budi")
    state = SarahStateFactory(contact_phone=lead.phone, workspace=lead.workspace)
    failure = SyncFailureFactory(kind=Kind.SYNC_ERROR, state=state)
    lists = [reverse(f"admin:{name}_changelist") for name in LISTS]
    return [
        (reverse("admin:contacts_contact_change", args=[lead.pk]), note),
        (
            reverse("admin:contacts_contact_board"),
            lambda: Contact.objects.update(name="Budi Santoso"),
        ),
        *zip(lists, (heard, again, again), strict=True),
        (reverse("admin:sarah_sarahstate_change", args=[state.pk]), heard),
        (reverse("admin:monitoring_syncfailure_change", args=[failure.pk]), again),
        (
            reverse("admin:monitoring_failuregroup_change", args=[FailureGroup.objects.get().pk]),
            again,
        ),
    ]


def test_a_page_is_sent_again_only_when_it_looks_different() -> None:
    staff = Staff(is_superuser=True)

    for url, change in pages():
        assert f'data-live="{url}"' in staff.client.get(url).content.decode(), url
        first = live(staff, url)
        assert (first.status_code, first["ETag"][:3]) == (200, 'W/"'), url
        same = live(staff, url, first["ETag"])
        assert (same.status_code, same.content) == (304, b""), url
        change()
        news = live(staff, url, first["ETag"])
        assert news.status_code == 200, url
        assert news["ETag"] != first["ETag"], url


def test_whoever_may_not_see_a_page_is_told_so_and_asks_no_more(client: Any) -> None:
    nobody = Staff()

    for url, _change in pages():
        assert live(nobody, url).status_code == 403, url
        assert client.get(url, headers={"X-Live": "1"}).status_code == 302, url
