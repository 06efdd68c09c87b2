"""Translated messages for invalid phone numbers and WhatsApp ids.

`contacts.phones` is pure and speaks English, as bots and logs do; these are its sentences for
translators and staff.
"""

from django.utils.translation import gettext_noop

from contacts.addresses import NOT_AN_ID
from contacts.phones import InvalidPhone
from leadsync.infra.sentences import Patterns

SENTENCES = Patterns(
    NOT_AN_ID,
    gettext_noop("The phone number is not text: send it like +6281234567890."),
    gettext_noop("The phone number repeats a prefix: send it like +6281234567890."),
    gettext_noop(
        "The phone number is a group, channel, @lid or e-mail address, not …@c.us of one person: "
        "send it like +6281234567890."
    ),
    gettext_noop(
        "The phone number was turned into a decimal by a spreadsheet or program (use text): "
        "send it like +6281234567890."
    ),
    gettext_noop("The phone number is empty: send it like +6281234567890."),
    gettext_noop(
        "The phone number has letters or signs that do not belong in one single number: "
        "send it like +6281234567890."
    ),
    gettext_noop("The phone number is far too long: send it like +6281234567890."),
    gettext_noop(
        "The phone number does not begin with a known country code: send it like +6281234567890."
    ),
    gettext_noop("The phone number has too few or too many digits: send it like +6281234567890."),
    gettext_noop(
        "The phone number has too few or too many digits for its country: "
        "send it like +6281234567890."
    ),
)


def in_words(error: InvalidPhone) -> str:
    return SENTENCES.in_words(str(error))
