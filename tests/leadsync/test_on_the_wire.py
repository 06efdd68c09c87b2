"""Pages are small on the wire: what the first visit loads with everything, and full lists."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.urls import reverse

from tests.factories import ContactFactory, MessageFactory, SarahStateFactory, SyncFailureFactory
from tests.staff import Staff

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

KIB = 1024
NAMED = re.compile(r'(?:href|src)="(/static/[^"?#]+)')
NAMED_BY_STYLES = re.compile(r"""url\(["']?([^"')?#]+)""")
PACKED = (".woff2", ".png", ".jpg", ".ico")


def bytes_of(name: str) -> int:
    """What a static file takes on the wire."""
    found = finders.find(name)
    assert found, f"{name} is named and does not exist"
    content = Path(str(found)).read_bytes()
    return len(content if name.endswith(PACKED) else gzip.compress(content))


def files_of(page: str) -> set[str]:
    """The static files that a page names, and the fonts and pictures that its styles name."""
    named = {url.removeprefix(settings.STATIC_URL) for url in NAMED.findall(page)}
    found = set(named)
    for style in (name for name in named if name.endswith(".css")):
        text = Path(str(finders.find(style))).read_text()
        for url in NAMED_BY_STYLES.findall(text):
            if not url.startswith(("data:", "http")):
                found.add(str((Path("/") / Path(style).parent / url).resolve()).lstrip("/"))
    return found


def test_the_first_visit_loads_at_most_400_kib_with_everything(client: Any) -> None:
    ContactFactory.create_batch(5, lead_temperature="hot")
    pages = [
        client.get(reverse("admin:login")).content,
        Staff(is_superuser=True).client.get(reverse("admin:index")).content,
    ]

    files = set().union(*(files_of(page.decode()) for page in pages))
    sizes = {name: bytes_of(name) for name in files}

    total = sum(sizes.values()) + sum(len(gzip.compress(page)) for page in pages)
    most = sorted(sizes.items(), key=lambda pair: -pair[1])[:8]
    assert total <= 400 * KIB, (total // KIB, most)


LISTS = [
    *("contacts_contact", "sarah_sarahstate", "sarah_stateupdate"),
    *("monitoring_syncfailure", "monitoring_failuregroup"),
]


def test_a_full_list_is_at_most_60_kib_on_the_wire() -> None:
    staff = Staff(is_superuser=True)
    told = {"business_type": "Kedai kopi dan roti", "location": "Bandung", "source": "ads"}
    for number, lead in enumerate(ContactFactory.create_batch(25, **told)):
        state = SarahStateFactory(contact_phone=lead.phone, workspace=lead.workspace)
        MessageFactory(state=state)
        SyncFailureFactory(group__exception=f"Broken{number}", state=state)

    for name in LISTS:
        page = staff.client.get(reverse(f"admin:{name}_changelist"))
        assert page.context["cl"].result_count >= 20, name
        assert len(gzip.compress(page.content)) <= 60 * KIB, name
    board = staff.client.get(reverse("admin:contacts_contact_board"))
    assert len(gzip.compress(board.content)) <= 60 * KIB
