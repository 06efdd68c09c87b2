"""The admin's forms as a browser has them: what a page shows is what its form sends."""

from html.parser import HTMLParser
from typing import Any

from django.test import Client
from django.urls import reverse

from contacts.models import Contact

LIST = "/admin/contacts/contact/"
ADD = f"{LIST}add/"
UNSENT = ("submit", "button", "checkbox", "radio")


class _Inputs(HTMLParser):
    """Collects the name and value of every input, textarea and select of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, Any] = {}
        self.select = self.textarea = ""

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        attrs = dict(pairs)
        name, value = attrs.get("name") or "", attrs.get("value") or ""
        if tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in attrs:
            self.sent[self.select] = value
        elif tag == "textarea":
            self.textarea, self.sent[name] = name, ""
        elif tag == "input" and name and (attrs.get("type") not in UNSENT or "checked" in attrs):
            self.sent[name] = value or "on" * ("checked" in attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("select", "textarea"):
            setattr(self, tag, "")

    def handle_data(self, data: str) -> None:
        if self.textarea:
            self.sent[self.textarea] += data


def sent_by(page: Any) -> dict[str, Any]:
    """What the form on this page would send if it were submitted as it is."""
    inputs = _Inputs()
    inputs.feed(page.content.decode().replace("\r\n", "\n"))
    # A textarea's first line break is not part of its text; browsers send line breaks as CRLF.
    return {
        name: value.removeprefix("\n").replace("\n", "\r\n") for name, value in inputs.sent.items()
    }


def saves(client: Client, url: str, **typed: Any) -> Any:
    """Open the form there, type this into it, and save it."""
    return client.post(url, sent_by(client.get(url)) | typed)


def edit_page_of(lead: Contact) -> str:
    """The page with the form of all facts."""
    return reverse("admin:contacts_contact_edit", args=[lead.pk])


def opens(client: Client, lead: Contact, *names: str) -> dict[str, Any]:
    """Click on these facts on the lead's page; returns what their form would send."""
    htmx = {"HX-Request": "true"}
    return sent_by(client.get(edit_page_of(lead), {"field": names}, headers=htmx))


def edits(client: Client, lead: Contact, **typed: Any) -> Any:
    """Click on these facts, type this, and save."""
    return client.post(edit_page_of(lead), opens(client, lead, *typed) | typed)


def moves(client: Client, lead: Contact, to: str, **said: str) -> Any:
    """Press the button of a status on the lead's page; returns the page that comes then."""
    url = reverse("admin:contacts_contact_move", args=[lead.pk])
    return client.post(url, {"to": to, **said}, follow=True)


def notes(client: Client, lead: Contact, text: str, /, **said: str) -> Any:
    """Write into the note box of the lead's page, and save."""
    url = reverse("admin:contacts_contact_note", args=[lead.pk])
    return client.post(url, {"note": text, **said}, follow=True)


def page_of(lead: Contact) -> str:
    return reverse("admin:contacts_contact_change", args=[lead.pk])
