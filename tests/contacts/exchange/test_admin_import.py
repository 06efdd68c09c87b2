"""The admin's import: a file, its columns, a try, and the rows that come back."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from contacts.exchange import uploads
from contacts.models import Contact
from monitoring.erasing import erase
from tests.bot import PHONE
from tests.callers import Caller
from tests.contacts.pages import LIST, page_of, sent_by
from tests.factories import ContactFactory, WorkspaceFactory
from tests.staff import Staff

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

PAGE = f"{LIST}import/"
CONTENT = "Nama,No HP,Kota,Umur\nBudi,0812-3456-7890,Solo,40\nSri,banana,Solo,30\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.VAR_DIR = tmp_path
    WorkspaceFactory()
    return tmp_path / "imports"


@pytest.fixture
def olga() -> Client:
    return Staff("Operators", username="olga").client


def uploads_file(client: Client, content: str = CONTENT, url: str = PAGE) -> Any:
    """Choose this file; returns the page of its columns."""
    file = SimpleUploadedFile("leads.csv", content.encode())
    form = sent_by(client.get(url)) | {"file": file}
    return client.post(url, form, follow=True)


def presses(client: Client, button: str, page: Any, **chosen: str) -> Any:
    return client.post(PAGE, sent_by(page) | {button: "1"} | chosen)


def refused_rows(client: Client) -> list[dict[str, str]]:
    content = b"".join(client.get(f"{PAGE}?refused=1").streaming_content)
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_a_file_is_tried_then_imported_and_bad_rows_come_back(olga: Client, folder: Path) -> None:
    assert f'href="{PAGE}"' in olga.get(LIST).content.decode()
    page = uploads_file(olga)
    assert [sent_by(page)[f"column-{n}"] for n in range(4)] == ["name", "phone", "location", ""]

    tried = presses(olga, "try", page)

    assert "This would happen" in tried.content.decode()
    assert not Contact.objects.exists()
    assert [row["Nama"] for row in refused_rows(olga)] == ["Sri"]

    done = presses(olga, "import", tried, **{"column-2": ""})

    assert "Imported" in done.content.decode()
    assert Contact.objects.values_list("name", "phone", "location").get() == ("Budi", PHONE, "")
    [row] = refused_rows(olga)
    assert (row["No HP"], "letters" in row["error"]) == ("banana", True)
    assert [path.suffix for path in folder.iterdir()] == [".csv"]
    entry = LogEntry.objects.get()
    told = "Imported leads: 1 added, 0 changed, 0 unchanged, 1 refused."
    assert (entry.user.username, entry.change_message) == ("olga", told)


def test_a_persons_word_stays_unless_the_switch_is_on(olga: Client) -> None:
    lead = ContactFactory(phone=PHONE, name="Bu Sri", staff_fields=["name"])
    content = f"phone,name\n{PHONE},Budi\n"

    done = presses(olga, "import", uploads_file(olga, content))

    lead.refresh_from_db()
    assert lead.name == "Bu Sri"
    assert "word was kept" in done.content.decode()
    presses(olga, "import", uploads_file(olga, content), overwrite="on")
    lead.refresh_from_db()
    assert lead.name == "Budi"


def test_what_an_import_changes_is_seen_in_the_timeline_and_only_once(olga: Client) -> None:
    lead = ContactFactory(phone=PHONE, location="Bandung")
    told = []
    for _twice in range(2):
        presses(olga, "import", uploads_file(olga))
        told.append(Caller("leads:read").read(f"/api/v1/leads/{lead.pk}/timeline/")["results"])
        lead.refresh_from_db()
        told.append(lead.updated_at)

    assert told[:2] == told[2:]
    assert {(one["kind"], one["author"], one["author_kind"]) for one in told[0]} == {
        ("edit", "olga", "person"),
    }
    assert sorted([*one["details"].values()] for one in told[0]) == [
        ["location", "Bandung", "Solo"],
        ["name", "", "Budi"],
    ]
    assert "Bandung" in olga.get(page_of(lead)).content.decode()


@pytest.mark.parametrize(
    ("chosen", "error"),
    [
        ({"column-1": ""}, "No column is for the phone"),
        ({"column-3": "name"}, "Two columns are for the same field"),
    ],
)
def test_columns_that_cannot_be_are_told(chosen: dict, error: str, olga: Client) -> None:
    page = presses(olga, "import", uploads_file(olga), **chosen)

    assert error in page.content.decode()
    assert not Contact.objects.exists()


def test_a_file_that_is_none_is_told_and_forgotten(olga: Client, folder: Path) -> None:
    page = uploads_file(olga, "")
    assert "empty" in page.content.decode()

    page = uploads_file(olga, 'phone\n"0812')

    assert presses(olga, "try", page).status_code == 302
    assert "no CSV" in olga.get(PAGE).content.decode()
    assert not list(folder.iterdir())


def test_another_file_can_be_chosen_instead(olga: Client) -> None:
    uploads_file(olga)

    page = uploads_file(olga, f"phone\n{PHONE}\n", f"{PAGE}?again=1")

    assert "column-1" not in sent_by(page)


def test_a_file_is_kept_for_a_day_and_for_its_person_only(olga: Client, folder: Path) -> None:
    uploads_file(olga)
    other = Staff("Operators").client
    assert "column-0" not in sent_by(other.get(PAGE))
    assert other.get(f"{PAGE}?refused=1").status_code == 302

    with time_machine.travel("2100-01-01"):
        uploads.keep([b"new"])

    assert [path.read_bytes() for path in folder.iterdir()] == [b"new"]


def test_who_is_erased_is_in_no_file_that_waits(olga: Client, folder: Path) -> None:
    uploads_file(olga)

    erase(PHONE)

    assert not list(folder.iterdir())


def test_only_who_may_import_does(folder: Path) -> None:
    sales = Staff("Sales").client

    assert f'href="{PAGE}"' not in sales.get(LIST).content.decode()
    assert sales.get(PAGE).status_code == 403
    file = SimpleUploadedFile("leads.csv", CONTENT.encode())
    assert sales.post(PAGE, {"file": file}).status_code == 403
    assert not folder.exists()
