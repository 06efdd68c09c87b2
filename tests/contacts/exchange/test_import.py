"""`import_leads`: a file of old data beside what bots and people say meanwhile."""

import csv
import io
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import Workbook

from contacts import erasure
from contacts.addresses import Address
from contacts.exchange import importing
from contacts.handoffs import plan_next_steps
from contacts.models import AddressChange, Contact, StatusChange
from sarah.models import SarahState
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory, UserFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db

BSUID = "ID.1234567890"


@pytest.fixture
def imports(tmp_path: Path, capsys) -> Any:
    """Import this CSV, or these bytes; returns the exit code and what was told."""
    WorkspaceFactory()

    def run(content: str | bytes, *options: str, name: str = "leads.csv") -> tuple[int, str]:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        try:
            call_command("import_leads", str(file), "--workspace", "default", *options)
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def refused(folder: Path, name: str = "leads.errors.csv") -> list[dict[str, str]]:
    content = (folder / name).read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(content, newline="")))


def writes_of(run: Any) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        run()
    return [q["sql"] for q in captured if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]


def test_good_rows_are_in_and_bad_ones_come_back_to_be_corrected(imports, tmp_path: Path) -> None:
    code, told = imports(
        "Nama;No HP;Kota;Catatan\nBudi;0812-3456-7890;Bandung;vip\n=Sri;banana;Solo;x\n;;;\n"
    )

    lead = Contact.objects.get()
    assert (code, lead.name, lead.phone, lead.location) == (3, "Budi", PHONE, "Bandung")
    assert (lead.source, lead.staff_fields, lead.status_changed_at) == ("import", ["name"], None)
    assert "Imported 2 rows: 1 added, 0 changed, 0 unchanged, 1 refused." in told
    [row] = refused(tmp_path)
    assert (row["Nama"], row["No HP"], row["Catatan"]) == ("'=Sri", "banana", "x")
    assert "letters or signs" in row["error"]

    corrected = (
        (tmp_path / "leads.errors.csv").read_text("utf-8").replace("banana", "0812 3456 7891")
    )
    code, told = imports(corrected, name="leads.errors.csv")

    assert (code, Contact.objects.get(location="Solo").name) == (0, "=Sri")


@pytest.mark.slow
@pytest.mark.one_database
def test_thousands_of_rows_in_constant_memory_and_again_without_a_change(
    imports, tmp_path: Path
) -> None:
    rows = [f"{'x' if n % 20 == 0 else ''}0812{n:08d},Lead {n},{n % 100}" for n in range(1, 3_001)]
    content = "\n".join(["phone,name,lead_score", *rows])

    tracemalloc.start()
    code, told = imports(content)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (code, Contact.objects.count(), len(refused(tmp_path))) == (3, 2_850, 150)
    assert "2850 added, 0 changed, 0 unchanged, 150 refused" in told
    assert peak < 8_500_000
    before = list(Contact.objects.values_list("updated_at").order_by("pk"))
    assert not writes_of(lambda: imports(content))
    assert list(Contact.objects.values_list("updated_at").order_by("pk")) == before


def test_a_dry_run_tells_the_same_and_writes_nothing(imports, tmp_path: Path) -> None:
    lead = ContactFactory(phone=PHONE, name="Budi")

    code, told = imports(f"phone,name\n{PHONE},Budi S\n0812345678,Sri\nx,y\n", "--dry-run")

    assert code == 3
    assert "Would import 3 rows: 1 added, 1 changed, 0 unchanged, 1 refused." in told
    assert len(refused(tmp_path)) == 1
    lead.refresh_from_db()
    assert (lead.name, Contact.objects.count()) == ("Budi", 1)


PEOPLES = {
    "name": ("Bu Sri", "Budi"),
    "lead_score": (90, 10),
    "lead_status": ("new", "qualified"),
    "email": ("sri@example.com", "budi@example.com"),
    "tags": (["vip"], ["old"]),
    "opted_out": (True, False),
}


@pytest.mark.parametrize("field", PEOPLES)
def test_a_persons_word_is_written_over_only_if_the_files_person_says_so(field, imports) -> None:
    mine, theirs = PEOPLES[field]
    ContactFactory(phone=PHONE, staff_fields=["name", "lead_score"], goals="old", **{field: mine})
    cell = "no" if theirs is False else theirs[0] if isinstance(theirs, list) else theirs
    content = f"phone,{field},goals\n{PHONE},{cell},new\n"

    code, told = imports(content)

    lead = Contact.objects.get()
    assert (getattr(lead, field), lead.goals, code) == (mine, "new", 0)
    assert "what a person wrote was kept" in told
    imports(content, "--overwrite")
    lead.refresh_from_db()
    assert getattr(lead, field) == theirs
    assert StatusChange.objects.count() == (field == "lead_status")


def test_a_status_moves_only_as_the_rules_say(imports, tmp_path: Path) -> None:
    ContactFactory(phone=PHONE, lead_status="qualified")

    imports(f"phone,lead_status\n{PHONE},archived\n", "--overwrite")
    code, _told = imports(f"phone,lead_status,goals\n{PHONE},converted,x\n", "--overwrite")

    assert (code, Contact.objects.get().lead_status) == (3, "archived")
    assert "Invalid transition" in refused(tmp_path)[0]["error"]
    assert StatusChange.objects.get().reason == "Imported."


def test_an_import_starts_no_clock_and_plans_nothing(imports) -> None:
    lead = ContactFactory(phone=PHONE, lead_status="qualified")

    hot = "contacted,90,hot"
    imports(
        f"phone,lead_status,lead_score,lead_temperature\n{PHONE},{hot}\n0812345670,{hot}\n",
        "--overwrite",
    )

    lead.refresh_from_db()
    assert lead.lead_status == "contacted"
    assert not Contact.objects.filter(handed_over_at__isnull=False).exists()
    assert plan_next_steps() == 0


def test_an_empty_cell_erases_nothing(imports) -> None:
    ContactFactory(phone=PHONE, name="Budi", goals="more")

    imports(f"phone,name,goals\n{PHONE},,\n", "--overwrite")

    assert Contact.objects.values_list("name", "goals").get() == ("Budi", "more")


def test_people_are_known_by_phone_by_id_and_by_a_former_one(imports) -> None:
    by_id = ContactFactory(phone=None, business_scoped_user_id=BSUID)
    by_phone = ContactFactory(phone="+6281200000001")
    moved = ContactFactory(phone="+6281200000003")
    AddressChange.objects.keep(
        Address(phone="+6281200000002"),
        moved.address,
        workspace=moved.workspace,
        at=moved.created_at,
    )

    _code, told = imports(
        f"phone,bsuid,name\n,{BSUID},By id\n081200000001,ID.2,By phone\n081200000002,,Moved\n"
    )

    assert "0 added, 3 changed" in told
    names = dict(Contact.objects.values_list("pk", "name"))
    assert names == {by_id.pk: "By id", by_phone.pk: "By phone", moved.pk: "Moved"}
    by_phone.refresh_from_db()
    assert by_phone.business_scoped_user_id == "ID.2"


def test_a_row_that_knows_phone_and_id_joins_two_leads(imports) -> None:
    ContactFactory(phone=PHONE, name="Budi", staff_fields=["name"])
    ContactFactory(phone=None, business_scoped_user_id=BSUID, goals="more")

    imports(f"phone,bsuid\n{PHONE},{BSUID}\n")

    lead = Contact.objects.get()
    assert (lead.phone, lead.business_scoped_user_id, lead.goals) == (PHONE, BSUID, "more")


def test_the_second_row_of_a_person_is_refused(imports, tmp_path: Path) -> None:
    imports("phone,name\n081234567890,Budi\n+62 812 3456 7890,Sri\n")

    assert Contact.objects.get().name == "Budi"
    assert "about the same person" in refused(tmp_path)[0]["error"]


def test_nobody_who_was_erased_is_brought_back(imports, tmp_path: Path) -> None:
    erasure.remember([PHONE])

    code, _told = imports(f"phone,name\n{PHONE},Budi\n")

    assert (code, Contact.objects.exists()) == (3, False)
    assert "erased" in refused(tmp_path)[0]["error"]


@pytest.mark.django_db(transaction=True)
def test_an_imported_lead_gets_what_sarah_learned_before(bot: Bot, imports) -> None:
    bot.post(contact_phone=PHONE, extracted_data={"goals": "more"})
    assert SarahState.objects.get().synced_at is None

    imports(f"phone,name\n{PHONE},Budi\n")

    assert Contact.objects.get().goals == "more"
    assert SarahState.objects.get().synced_at


def test_what_left_comes_back_the_same(imports, tmp_path: Path) -> None:
    ContactFactory(
        name='=1+1', goals="a;=1\n- b", tags=["a, b"], pain_points=["x; y", "z"], lead_score=7,
        assigned_to=UserFactory(username="Rudi"), team_size=1200, lead_status="qualified",
    )  # fmt: skip
    ContactFactory(phone=None, business_scoped_user_id=BSUID, tags=["a", "b"], opted_out=True)
    for name in ("out.csv", "out.xlsx"):
        before = list(Contact.objects.values().order_by("pk"))
        call_command("export_leads", "--out", str(tmp_path / name))
        content = (tmp_path / name).read_bytes()

        _code, told = imports(content, "--overwrite", name=f"in-{name}")

        assert "0 added, 0 changed, 2 unchanged, 0 refused" in told, name
        assert list(Contact.objects.values().order_by("pk")) == before
        Contact.objects.all().delete()
        imports(content, name=f"new-{name}")
        kept = ("phone", "business_scoped_user_id", "name", "goals", "tags", "pain_points")
        assert list(Contact.objects.values(*kept).order_by("pk")) == [
            {field: row[field] for field in kept} for row in before
        ]
        Contact.objects.all().delete()
        Contact.objects.bulk_create(Contact(**row) for row in before)


def test_an_excel_file_with_numbers_for_phones_is_read(imports, tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["WhatsApp", "Nama", "team_size", "opted out"])
    book.active.append([6281234567890.0, "Budi", 5.0, True])
    book.save(tmp_path / "made.xlsx")

    imports((tmp_path / "made.xlsx").read_bytes(), name="in.xlsx")

    lead = Contact.objects.get()
    assert (lead.phone, lead.team_size, lead.opted_out) == (PHONE, 5, True)


@pytest.mark.parametrize(
    ("cells", "error"),
    [
        ("lead_score,101", "lead_score"),
        ("lead_score,many", "Write a whole number."),
        ("lead_status,won", "Write one of: new, qualified"),
        ("email,nobody", "email: "),
        (f"name,{'x' * 201}", "at most 200 characters"),
        (f"goals,{'x' * 5001}", "at most 5000 characters"),
        ("opted_out,perhaps", "Write yes or no."),
        ("assigned_to,stranger", "user name"),
        ("workspace,kopi-kita", "another workspace"),
        ("name,Budi,Toko", "more cells"),
    ],
)
def test_a_cell_that_cannot_be_used_is_told(cells: str, error: str, imports, tmp_path) -> None:
    name, _comma, cell = cells.partition(",")

    code, _told = imports(f"phone,{name}\n{PHONE},{cell}\n")

    assert (code, Contact.objects.exists()) == (3, False)
    assert error in refused(tmp_path)[0]["error"]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "empty"),
        (b"name,city\nBudi,Solo\n", "No column is for the phone"),
        (b"phone,name\n0812,\xff\xfe\n", "UTF-8"),
        (b'phone,name\n081234567890,"Budi\n', "no CSV"),
        (b"PK\x03\x04 no zip", "broken"),
    ],
)
def test_a_file_that_cannot_be_read_imports_nothing(content: bytes, error: str, imports) -> None:
    with pytest.raises(CommandError, match=error):
        imports(content)

    assert not Contact.objects.exists()


def test_columns_are_mapped_or_left_out_as_told(imports) -> None:
    imports(f"Kontak,Nama,Score\n{PHONE},Budi,99\n", "--map", "Kontak=phone", "--map", "Score=")

    assert Contact.objects.values_list("phone", "name", "lead_score").get() == (PHONE, "Budi", 0)


def test_no_file_of_errors_is_written_over(imports, tmp_path: Path) -> None:
    (tmp_path / "leads.errors.csv").write_text("being corrected")

    imports("phone\nx\n")

    assert (tmp_path / "leads.errors.csv").read_text() == "being corrected"
    assert len(refused(tmp_path, "leads.errors-2.csv")) == 1


def test_a_bot_that_adds_the_same_lead_meanwhile_is_no_error(imports, monkeypatch) -> None:
    known = importing._known
    raced = []

    def late(*args: Any) -> Any:
        found = known(*args)
        if not raced:
            raced.append(ContactFactory(phone=PHONE))
        return found

    monkeypatch.setattr(importing, "_known", late)

    code, _told = imports(f"phone,name\n{PHONE},Budi\n")

    assert (code, Contact.objects.get().name) == (0, "Budi")
