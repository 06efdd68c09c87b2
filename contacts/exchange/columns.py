"""The columns of an import: which field a header names, and what a cell says of it."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import TextChoices
from django.utils import translation
from django.utils.translation import gettext as _

from contacts.exchange.opening import UnreadableFile
from contacts.models import HOLDABLE, Contact, Language, Temperature, Workspace, who_may_see
from contacts.text import MAX_ITEM_LENGTH, MAX_ITEMS, clean_line, clean_text
from contacts.workflow import LeadStatus

ADDRESS = ("phone", "business_scoped_user_id")
WORKSPACE = "workspace"
ERROR = "error"
"""The column that an import adds to what it refused, and reads over."""
ALIASES = {
    "phone": "telepon telp tel hp nohp nomorhp nomor notelp nomortelepon handphone whatsapp wa "
    "nowa nomorwa nowhatsapp nomorwhatsapp mobile phonenumber contactphone",
    "business_scoped_user_id": "bsuid",
    "name": "nama namalengkap fullname",
    "email": "mail surel",
    "lead_status": "status",
    "lead_score": "score skor",
    "lead_temperature": "temperature suhu",
    "business_type": "bisnis usaha jenisusaha business",
    "location": "kota domisili city",
    "tags": "tag label labels",
}
YES, NO = ("yes", "ya", "true", "1", "y"), ("no", "tidak", "false", "0", "n")

Reader = Callable[[str], object]


class UnusableCell(ValueError):
    """The cell says nothing that can be stored; the text is a sentence."""


def mapping_of(headers: list[str], told: Mapping[str, str]) -> dict[int, str]:
    """Return the field of each column that has one. What was told of a header comes first; an
    empty name leaves the column out. Raises UnreadableFile."""
    if unknown := set(told) - set(headers):
        raise UnreadableFile(_("The file has no column “%s”.") % min(unknown))
    found: dict[int, str] = {
        position: told[header] for position, header in enumerate(headers) if told.get(header)
    }
    if len(set(found.values())) < len(found):
        raise UnreadableFile(_("Two columns are for the same field."))
    for position, header in enumerate(headers):
        name = field_named(header)
        if name and header not in told and name not in found.values():
            found[position] = name
    if not set(ADDRESS) & set(found.values()):
        raise UnreadableFile(_("No column is for the phone: say which one is."))
    return found


def field_named(header: str) -> str | None:
    """Return the field that this header names in English, Indonesian or as the API does."""
    return _names().get(_plain(header))


@cache
def _names() -> dict[str, str]:
    names = {_plain(alias): field for field, words in ALIASES.items() for alias in words.split()}
    for language in ("id", "en"):
        with translation.override(language):
            labels = {field: str(_field(field).verbose_name) for field in IMPORTED[:-1]}
        names |= {_plain(label): field for field, label in labels.items()}
    return names | {_plain(field): field for field in IMPORTED}


def _plain(header: str) -> str:
    return re.sub(r"[\W_]+", "", header.casefold())


def _field(name: str) -> Any:
    return Contact._meta.get_field(name)


def _read_text(name: str, cell: str) -> str:
    field = _field(name)
    text = clean_line(cell) if field.get_internal_type() != "TextField" else clean_text(cell)
    if len(text) > field.max_length:
        raise UnusableCell(_("Write at most %d characters.") % field.max_length)
    return str(field.clean(text, None))


def _read_number(name: str, cell: str) -> object:
    text = cell.strip()
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise UnusableCell(_("Write a whole number."))
    return _field(name).clean(int(text), None)


def _read_choice(choices: type[TextChoices], cell: str) -> object:
    named = _values_of(choices).get(clean_line(cell).casefold())
    if named is None:
        raise UnusableCell(_("Write one of: %s.") % ", ".join(choices.values))
    return named


@cache
def _values_of(choices: type[TextChoices]) -> dict[str, str]:
    """The values by themselves and by their labels."""
    named: dict[str, str] = {}
    for language in ("id", "en"):
        with translation.override(language):
            named |= {str(label).casefold(): value for value, label in choices.choices}
    return named | {value: value for value in choices.values}


def _read_flag(cell: str) -> bool:
    word = cell.strip().casefold()
    if word not in (*YES, *NO):
        raise UnusableCell(_("Write yes or no."))
    return word in YES


def _read_list(cell: str) -> list[str]:
    """Items stand apart by semicolons or lines; by commas if there are none."""
    items = list(dict.fromkeys(filter(None, map(clean_line, _items(cell)))))
    if len(items) > MAX_ITEMS or any(len(item) > MAX_ITEM_LENGTH for item in items):
        limits = (MAX_ITEMS, MAX_ITEM_LENGTH)
        raise UnusableCell(_("Write at most %d items of at most %d characters.") % limits)
    return items


def _items(cell: str) -> Iterable[str]:
    if cell.startswith("["):
        try:
            return [str(item) for item in json.loads(cell)]
        except (ValueError, TypeError, RecursionError):
            pass
    return re.split(r"[;\n]", cell) if re.search(r"[;\n]", cell) else cell.split(",")


def _reader_of(name: str) -> Reader:
    choices: dict[str, type[TextChoices]] = {
        "language": Language,
        "lead_temperature": Temperature,
        "lead_status": LeadStatus,
    }
    if name in choices:
        return partial(_read_choice, choices[name])
    if name in ("team_size", "lead_score"):
        return partial(_read_number, name)
    if name in ("pain_points", "tags"):
        return _read_list
    return _read_flag if name == "opted_out" else partial(_read_text, name)


READERS: dict[str, Reader] = {
    name: _reader_of(name)
    for name in ("name", "email", *HOLDABLE[1:], "lead_status", "source", "tags", "opted_out")
}
ASSIGNEE = "assigned_to"
IMPORTED = (*ADDRESS, *READERS, ASSIGNEE, WORKSPACE)


def read_cell(name: str, cell: str, people: Mapping[str, int]) -> tuple[str, object]:
    """Return the column of the lead and its value; `people` are user ids by name. Raises
    UnusableCell."""
    try:
        if name != ASSIGNEE:
            return name, READERS[name](cell)
        return "assigned_to_id", people[cell.strip().casefold()]
    except KeyError:
        raise UnusableCell(_("No person of staff has this user name.")) from None
    except ValidationError as error:
        raise UnusableCell(" ".join(error.messages)) from None


def people_by_name(workspace: Workspace) -> dict[str, int]:
    """The people whom leads of this workspace can be assigned to."""
    people = who_may_see(workspace).values_list("pk", "username")
    return {name.casefold(): pk for pk, name in people}
