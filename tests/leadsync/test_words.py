"""Every page of the admin speaks to people: nothing is left of Django, of code, or of English."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.utils import translation
from django.utils.translation import gettext

from contacts.models import Contact
from leadsync.bots import issue_key
from leadsync.models import ApiKey
from monitoring.models import NotificationPreferences
from tests.contacts.pages import saves
from tests.factories import ContactFactory
from tests.leadsync.test_admin_pages import LISTS
from tests.staff import Staff, action_url
from tests.walk import is_page, paths_of

pytestmark = pytest.mark.django_db

UNSEEN = re.compile(
    r"(?s)<(script|style|template|pre|code|textarea)\b.*?</\1>|<span[^>]*material-symbols.*?</span>"
)
TAG = re.compile(r"""<(?:[^<>"']|"[^"]*"|'[^']*')*>""")
TOLD = re.compile(r'\s(?:aria-label|title|placeholder|alt)="([^"]*)"')
CODE = re.compile(
    r"object \(|(?<!manage\.py )\b[a-z]+_[a-z_]+\b|^(-+|None|True|False|null)$|#\d|%\(|[{}]|Django"
)
ENGLISH = re.compile(
    r"\b(the|is|are|of|to|with|and|or|by|in|on|for|from|not|you|your|this|that|has|have|was|all|add|"
    r"save|delete|select|change|new|date|time|ago|show|when|who|what|may|user|group)\b",
    re.IGNORECASE,
)
OF_DJANGO = (
    "Are you sure you want to delete the selected {}? All",
    "Are you sure you want to delete the %(object_name)s",
    "Change history: %s",
    "Designates whether this user should be treated as active.",
    "Please enter your old password, for security’s sake",
    "Raw passwords are not stored",
    "Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
    "Select %s to change",
    "Your password can’t be entirely numeric.",
    "Enter the same password as before, for verification.",
    "Personal info",
)


def test_no_page_has_leftovers_of_django_of_code_or_of_english() -> None:
    for number, make in enumerate(LISTS.values()):
        make(number)
    root = Staff(is_superuser=True, last_name="Sukma", email="root@example.com")
    NotificationPreferences.objects.create(user=root.user)
    Contact.objects.earliest("pk").notes.create(text="Ok", author="ani")
    root.client.cookies["django_language"] = "id"
    with translation.override("id"):
        of_django = {gettext(sentence) for sentence in OF_DJANGO}

    found = {}
    for app in ("contacts", "sarah", "monitoring", "leadsync", "auth"):
        for path in dict.fromkeys(paths_of(app)):
            if is_page(answer := root.client.get(path)):
                left = {text for text in read(answer.content.decode()) if is_left(text, of_django)}
                found |= {path: left} if left else {}

    assert not found


def is_left(text: str, of_django: set[str]) -> bool:
    is_english = ENGLISH.search(text) and "manage.py" not in text
    return bool(CODE.search(text) or is_english or any(one in text for one in of_django))


def read(page: str) -> Iterator[str]:
    """What a person reads or is read of a page."""
    seen = "<body" + UNSEEN.sub(" ", page.partition("<body")[2])
    for text in (*TAG.split(seen), *TOLD.findall(seen)):
        yield " ".join(unescape(text).split())


def test_whoever_deletes_is_told_in_words_what_goes_along() -> None:
    root, seller = Staff(is_superuser=True), Staff("Sales", username="ani", workspaces=[])
    NotificationPreferences.objects.create(user=seller.user)
    lead, other = ContactFactory(name="Budi"), ContactFactory(name="Citra")
    lead.notes.create(text="Called", author="ani")
    lead.notes.create(text="Called again", author="ani")
    lead.status_changes.create(from_status="new", to="contacted", by="ani")
    sales = Group.objects.get(name="Sales")

    asked = {row: question(root, row) for row in (lead, other, sales, seller.user)}
    both = read_all(root.runs("delete_selected", [lead, other]).content.decode())

    assert "Delete Budi?" in asked[lead]
    assert "Deleted as well: 2 notes and 1 change of status." in asked[lead]
    assert "Deleted as well" not in asked[other]
    assert "1 person has this role" in asked[sales]
    assert "switch “May log in” off instead" in asked[seller.user]
    assert "Delete 2 leads?" in both
    assert "2 notes and 1 change of status" in both
    assert not [page for page in (*asked.values(), both) if "object (" in page or "#" in page]


def read_all(page: str) -> str:
    return " ".join(" ".join(read(page)).split())


def question(staff: Staff, row: Model) -> str:
    return read_all(staff.client.get(action_url("delete", row)).content.decode())


def test_what_cannot_be_deleted_says_why() -> None:
    root = Staff(is_superuser=True)
    issue_key("sarah-bot", role="sarah")
    bot = User.objects.get(username="sarah-bot")

    page = question(root, bot)
    answer = root.client.post(action_url("delete", bot), {"post": "yes"})

    assert "What goes with it may not be deleted: API keys." in page
    assert answer.status_code == 403
    all_of_them = root.runs("delete_selected", [root.user, bot]).content.decode()
    assert "This is the last superuser" in all_of_them


def test_what_is_done_with_a_row_is_told_in_the_language_of_who_reads_it() -> None:
    root = Staff(is_superuser=True, first_name="Ani")
    issue_key("sarah-bot", role="sarah")
    key, sales = ApiKey.objects.get(), Group.objects.get(name="Sales")
    root.confirms("revoke_this", key)
    root.client.cookies["django_language"] = "id"
    saved = saves(root.client, action_url("change", sales), name="Penjualan")

    listed = root.client.get(saved.url)
    history = read_all(root.sees("leadsync_apikey_history", key.pk))

    assert "Disimpan: Penjualan" in read_all(listed.content.decode())
    assert "Ani" in history
    assert "Dicabut." in history
