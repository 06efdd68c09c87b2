"""The site speaks Indonesian and English to people, and English to bots."""

import ast
import re
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation

from contacts.phones import InvalidPhone, to_e164
from contacts.sentences import in_words
from leadsync.infra.db import shown_count
from tests.bot import Bot
from tests.contacts.test_phones import REFUSED
from tests.factories import SyncFailureFactory
from tests.staff import Staff

ROOT = Path(__file__).parents[2]
CATALOGS = {
    app: ROOT / app / "locale/id/LC_MESSAGES/django.po"
    for app in ("contacts", "leadsync", "monitoring", "sarah")
}
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
MARKED_IN_TEMPLATE = re.compile(r"""(?:_\(|\{% translate )(?P<quote>["'])(.+?)(?P=quote)""")
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd]|\{\w*\}")

Entry = dict[str, str]
"""An entry of a catalog: its texts by keyword (`msgid`, `msgid_plural`, `msgstr` …)."""


def read(path: Path) -> Iterator[Entry]:
    """The entries of a .po file, without its header; flags stand under `#,`."""
    for block in path.read_text().split("\n\n")[1:]:
        entry: Entry = {}
        keyword = ""
        for line in filter(None, block.split("\n")):
            before, _quote, quoted = line.partition('"')
            keyword = before.strip() or keyword
            text = ast.literal_eval(f'"{quoted}') if quoted else ""
            entry[keyword] = entry.get(keyword, "") + text
        yield entry


def translated(entry: Entry) -> str:
    return entry.get("msgstr") or entry.get("msgstr[0]") or ""


def texts_in_code() -> Iterator[str]:
    for app in CATALOGS:
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in MARKS:
                    yield from (arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant))
        for path in (ROOT / app / "templates").rglob("*.html"):
            yield from (text for _quote, text in MARKED_IN_TEMPLATE.findall(path.read_text()))


@pytest.mark.parametrize("path", CATALOGS.values(), ids=CATALOGS)
def test_every_text_has_an_indonesian_one_with_the_same_placeholders(path: Path) -> None:
    entries = list(read(path))

    assert entries
    assert "fuzzy" not in path.read_text()
    for entry in entries:
        assert translated(entry), entry["msgid"]
        plural = entry.get("msgid_plural", entry["msgid"])
        assert sorted(PLACEHOLDER.findall(translated(entry))) == sorted(PLACEHOLDER.findall(plural))


@pytest.mark.parametrize("path", CATALOGS.values(), ids=CATALOGS)
def test_the_compiled_catalog_is_that_of_the_texts(path: Path) -> None:
    with path.with_suffix(".mo").open("rb") as compiled:
        catalog = GNUTranslations(compiled)

    read_back = {
        entry["msgid"]: catalog.ngettext(entry["msgid"], entry["msgid_plural"], 2)
        if "msgid_plural" in entry
        else catalog.gettext(entry["msgid"])
        for entry in read(path)
    }
    assert read_back == {entry["msgid"]: translated(entry) for entry in read(path)}


def test_a_text_of_several_apps_has_one_translation() -> None:
    entries = [entry for path in CATALOGS.values() for entry in read(path)]

    pairs = {(entry["msgid"], translated(entry)) for entry in entries}

    assert len(pairs) == len({entry["msgid"] for entry in entries})


def test_every_text_in_the_code_is_in_the_catalogs() -> None:
    known = {entry["msgid"] for path in CATALOGS.values() for entry in read(path)}

    assert sorted(set(texts_in_code()) - known) == []


@pytest.mark.django_db
@pytest.mark.parametrize("choose", ["browser", "switch"])
@pytest.mark.one_database
def test_staff_read_the_site_in_their_language(choose: str) -> None:
    SyncFailureFactory()
    staff = Staff(is_superuser=True, is_staff=True)
    if choose == "browser":
        staff.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "id"
    else:
        staff.client.post("/i18n/setlang/", {"language": "id"})

    dashboard = staff.sees("index")
    failures = staff.sees("monitoring_syncfailure_changelist")

    for text in ("Beranda", "Hubungi ini dulu", "Percakapan dengan Sarah", "Ruang kerja"):
        assert text in dashboard
    for text in ("Kegagalan sinkronisasi", "Sinkronisasi gagal", "Terbuka", "Terapkan filter"):
        assert text in failures


@pytest.mark.django_db
def test_the_language_is_switched_by_post_with_a_token_only() -> None:
    staff = Staff(is_superuser=True, is_staff=True)
    strict = Client(enforce_csrf_checks=True)

    page = staff.sees("index")

    assert 'action="/i18n/setlang/" method="post"' in page
    assert strict.post("/i18n/setlang/", {"language": "id"}).status_code == 403
    strict.get("/i18n/setlang/?language=id")
    assert "django_language" not in strict.cookies


def test_numbers_are_written_as_in_the_language() -> None:
    with translation.override("id"):
        assert shown_count(1234) == "1.234"
    with translation.override("en"):
        assert shown_count(1234) == "1,234"


@pytest.mark.parametrize("typed", [raw for raw in REFUSED if isinstance(raw, str)], ids=ascii)
def test_an_unusable_phone_is_explained_in_the_language_of_the_form(typed: str) -> None:
    with pytest.raises(InvalidPhone) as refusal:
        to_e164(typed, from_person=True)

    with translation.override("id"):
        explained = in_words(refusal.value)

    assert explained != str(refusal.value)
    assert explained.endswith("seperti +6281234567890.")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("role", "method", "path"),
    [
        ("", "get", "/sarah/state"),
        ("sarah", "get", "/sarah/state"),
        ("sarah", "get", "/sarah/state?contact_phone=abc"),
        ("sarah", "post", "/sarah/state"),
        ("sarah", "put", "/sarah/state"),
        ("manager", "post", "/sarah/state"),
        ("manager", "get", "/api/v1/leads/?score_min=x"),
        ("manager", "get", "/api/v1/nothing/"),
    ],
)
def test_a_bot_is_refused_in_english(role: str, method: str, path: str) -> None:
    client = Bot(role=role).client if role else Client()

    def refusal() -> dict[str, object]:
        response = client.generic(method.upper(), path, "{}", content_type="application/json")
        assert response.status_code >= 400
        return {key: value for key, value in response.json().items() if key != "request_id"}

    english = refusal()
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = client.cookies["django_language"] = "id"

    assert refusal() == english


@pytest.mark.django_db
def test_a_bot_reads_labels_and_advice_in_english() -> None:
    failure = SyncFailureFactory()
    client = Bot(role="manager").client

    shown = client.get(
        f"/api/v1/sync-failures/{failure.pk}/", headers={"Accept-Language": "id"}
    ).json()

    assert shown["advice"].startswith("Copying the conversation to the lead failed")
