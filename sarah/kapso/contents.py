"""Reads what a message says: its words, its caption, what was pressed. Pure.

Never the addresses of media: they open without a password.
"""

import re
from collections.abc import Callable

from contacts.models import MAX_CHAT_TEXT, MAX_REASON
from sarah.kapso.values import Payload, at, block, line, part, parts

MAX_TYPE = 20
MAX_AD = 45
AD = ("headline", "source_id", "body", "source_url", "ctwa_clid")
"""What names an ad, the best first."""
REPLIES = ("button_reply", "list_reply", "nfm_reply")
TYPE = re.compile(r"[a-z_]+")


def type_of(message: Payload) -> str:
    sent = line(message.get("type"), limit=MAX_TYPE).lower()
    return sent if TYPE.fullmatch(sent) else "unsupported"


def text_of(message: Payload) -> str:
    """What a reader of the chat sees of the message."""
    kind = type_of(message)
    read = READERS.get(kind)
    return block(read(part(message, kind), message) if read else "", limit=MAX_CHAT_TEXT)


def transcript_of(message: Payload) -> str:
    sent = at(message, "kapso", "transcript")
    return block(at(sent, "text"), sent, limit=MAX_CHAT_TEXT)


def proven_phone(message: Payload) -> object:
    """The number that the person sent because the business asked for it. Any other card is of
    somebody else."""
    for card in parts(message, "contacts"):
        if card.get("origin") == "contact_request":
            number = next(parts(card, "phones"), {})
            return number.get("wa_id") or number.get("phone")
    return None


def ad_of(message: Payload) -> str:
    """The ad that a message came from, in words; blank if from none."""
    referral = part(message, "referral")
    return line(*map(referral.get, AD), limit=MAX_AD)


def reason_of(payload: Payload) -> str:
    """Why something failed, from Meta's errors."""
    error = next(parts(payload, "errors"), {})
    code = line(error.get("code"), limit=10)
    told = line(at(error, "error_data", "details"), error.get("message"), error.get("title"))
    return line(f"{code} {told}", limit=MAX_REASON)


def _place(location: Payload, message: Payload) -> object:
    known = ", ".join(filter(None, (line(location.get("name")), line(location.get("address")))))
    spot = [location.get("latitude"), location.get("longitude")]
    if known or not all(isinstance(one, int | float) for one in spot):
        return known
    return ", ".join(map(str, spot))


def _cards(_none: Payload, message: Payload) -> object:
    """The names on the cards: the numbers are other people's."""
    names = (line(at(card, "name", "formatted_name")) for card in parts(message, "contacts"))
    return ", ".join(filter(None, names))


def _choice(interactive: Payload, message: Payload) -> object:
    replies = [part(interactive, kind) for kind in REPLIES]
    return block(
        *(reply.get(name) for reply in replies for name in ("title", "body")),
        at(interactive, "body", "text"),  # what we asked
        limit=MAX_CHAT_TEXT,
    )


def _template(template: Payload, message: Payload) -> object:
    """The words of a template, which Kapso puts in; with media, it puts in their addresses, too."""
    has_media = at(message, "kapso", "has_media")
    words = None if has_media else at(message, "kapso", "content")
    return block(words, template.get("name"), limit=MAX_CHAT_TEXT)


def _order(order: Payload, message: Payload) -> object:
    """What was written with it, else what was ordered."""
    items = (line(item.get("product_retailer_id")) for item in parts(order, "product_items"))
    return order.get("text") or ", ".join(filter(None, items))


def _caption(media: Payload, message: Payload) -> object:
    return media.get("caption")


READERS: dict[str, Callable[[Payload, Payload], object]] = {
    "text": lambda text, message: text.get("body") or at(message, "kapso", "content"),
    "image": _caption,
    "video": _caption,
    "document": lambda document, message: document.get("caption") or document.get("filename"),
    "location": _place,
    "contacts": _cards,
    "interactive": _choice,
    "button": lambda button, message: button.get("text"),
    "template": _template,
    "reaction": lambda reaction, message: reaction.get("emoji"),
    "order": _order,
}
KNOWN = {*READERS, "audio", "sticker", "unsupported"}
"""Types of messages that we know."""
