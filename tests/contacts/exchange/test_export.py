"""Leads as a file: `export_leads`, and the admin's list."""

import csv
import io
import stat
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from openpyxl import load_workbook

from contacts.admin import exporting
from contacts.exchange import leaving
from contacts.models import Contact
from tests.contacts.pages import LIST
from tests.factories import ContactFactory, UserFactory, WorkspaceFactory
from tests.staff import Staff

pytestmark = pytest.mark.django_db

HOSTILE = '=HYPERLINK("http://evil.example","Budi")'


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def downloaded(action: str, staff: Staff, **query: str) -> bytes:
    """What the action sends if all that the list shows is chosen."""
    asked = {"action": action, "_selected_action": [Contact.objects.first().pk]}
    url = f"{LIST}?{'&'.join(f'{name}={value}' for name, value in query.items())}"
    answer = staff.client.post(url, asked | {"select_across": "1"})
    assert answer["Content-Disposition"].startswith('attachment; filename="leads-')
    return b"".join(answer.streaming_content)


def test_a_csv_runs_nothing_and_keeps_every_phone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(leaving, "BATCH_SIZE", 2)
    leads = [ContactFactory(name=name) for name in (HOSTILE, "Bu Sri 🌸", "a;=1+1")]
    out = tmp_path / "leads.csv"

    call_command("export_leads", "--out", str(out))

    rows = csv_rows(out.read_bytes())
    assert [row["phone"] for row in rows] == [f"'{lead.phone}" for lead in leads]
    assert [row["name"] for row in rows] == [f"'{HOSTILE}", "Bu Sri 🌸", "a;'=1+1"]
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")  # else Excel garbles the flower
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_an_xlsx_has_text_cells_and_no_formula(tmp_path: Path) -> None:
    lead = ContactFactory(name=HOSTILE, lead_score=55, goals="more\x0bsales")
    out = tmp_path / "leads.xlsx"

    call_command("export_leads", "--out", str(out))

    header, row = load_workbook(out).active.iter_rows()
    cells = {name.value: cell for name, cell in zip(header, row, strict=True)}
    assert {cell.data_type for cell in row} <= {"s", "n", "inlineStr"}
    assert (cells["phone"].value, cells["phone"].data_type) == (lead.phone, "s")
    assert cells["name"].value == f"'{HOSTILE}"
    assert cells["lead_score"].value == 55
    assert cells["goals"].value == "moresales"


def test_lists_persons_times_and_flags_are_readable(capsys) -> None:
    rudi = UserFactory(username="rudi")
    ContactFactory(
        assigned_to=rudi, tags=["vip", "jakarta"], pain_points=["slow; dear"], opted_out=True
    )

    call_command("export_leads")

    [row] = csv_rows(capsys.readouterr().out.encode())
    assert (row["workspace"], row["assigned_to"], row["opted_out"]) == ("default", "rudi", "yes")
    assert (row["tags"], row["pain_points"]) == ("vip; jakarta", '["slow; dear"]')
    assert row["created_at"].endswith("+07:00")


def test_the_command_exports_what_was_asked_for(capsys) -> None:
    ContactFactory(name="here", lead_status="qualified")
    ContactFactory(name="new")
    ContactFactory(name="there", lead_status="qualified", workspace=WorkspaceFactory(slug="kopi"))

    call_command("export_leads", "--workspace", "default", "--status", "qualified")

    told = capsys.readouterr()
    assert [row["name"] for row in csv_rows(told.out.encode())] == ["here"]
    assert "Exported 1 leads." in told.err


def test_no_file_is_written_over(tmp_path: Path) -> None:
    out = tmp_path / "leads.csv"
    out.write_text("mine")

    with pytest.raises(CommandError, match="Cannot write"):
        call_command("export_leads", "--out", str(out))

    assert out.read_text() == "mine"


@pytest.mark.parametrize("action", ["export_csv", "export_xlsx"])
def test_the_list_exports_what_its_filter_shows(action: str) -> None:
    ContactFactory(name="hidden")
    ContactFactory.create_batch(2, name="shown", lead_status="qualified")

    content = downloaded(action, Staff("Operators"), lead_status__exact="qualified")

    if action == "export_csv":
        names = [row["name"] for row in csv_rows(content)]
    else:
        sheet = load_workbook(io.BytesIO(content)).active
        names = [row[3] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert names == ["shown", "shown"]


def test_an_export_is_logged_without_a_word_of_a_lead(caplog) -> None:
    lead = ContactFactory(name="Budi")

    with caplog.at_level("INFO"):
        downloaded("export_csv", Staff("Operators", username="olga"), q="Budi")

    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.change_message) == ("olga", "Exported 1 leads as CSV.")
    assert "exports 1 leads" in caplog.text
    assert "Budi" not in caplog.text + entry.object_repr
    assert lead.phone not in caplog.text


def test_only_who_may_export_does() -> None:
    lead, dewi = ContactFactory(), Staff("Sales")
    assert "export_csv" not in dewi.client.get(LIST).content.decode()
    assert not dewi.runs("export_csv", [lead]).streaming
    dewi.user.user_permissions.add(Permission.objects.get(codename="export_contact"))

    assert downloaded("export_csv", dewi)


def test_more_leads_than_an_xlsx_is_made_of_in_a_request_leave_as_csv(monkeypatch) -> None:
    monkeypatch.setattr(exporting, "CAP", 1)
    leads, olga = ContactFactory.create_batch(2), Staff("Operators")

    page = olga.runs("export_xlsx", leads)

    assert "Export them as CSV" in page.content.decode()
    assert len(csv_rows(downloaded("export_csv", olga))) == 2
