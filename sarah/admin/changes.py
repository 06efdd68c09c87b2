"""What a message changed, as words and tables."""

from collections.abc import Mapping, Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.admin.record.words import FEW_VALUES, label_of, told
from leadsync.admin.html import pill, table
from monitoring import sentences
from sarah.admin.details import in_words
from sarah.models import Outcome

SHOWN_CHANGES = 3

OUTCOME_COLOURS: dict[str, str] = dict.fromkeys(Outcome.values, "warning") | {
    Outcome.SYNCED: "success",
    Outcome.EXCLUDED: "",
    Outcome.SYNC_ERROR: "danger",
}

Changes = Mapping[str, Sequence[object]]


def outcome_pill(outcome: str) -> SafeString:
    return pill(Outcome(outcome).label, OUTCOME_COLOURS[outcome])


def changes_in_short(changes: Changes) -> str:
    """Name the first changed fields and the number of others.

    Without the count of messages, which nearly every message changes.
    """
    names = [label_of(name).lower() for name in changes if name != "message_count"]
    shown = ", ".join(names[:SHOWN_CHANGES])
    if (more := len(names) - SHOWN_CHANGES) > 0:
        return ngettext("%(names)s and %(count)d more", "%(names)s and %(count)d more", more) % {
            "names": shown,
            "count": more,
        }
    return shown or _("nothing new")


def changes_table(changes: Changes) -> SafeString:
    return table(
        [_("field"), _("before"), _("after")],
        [
            (label_of(name), _in_words(name, before), _in_words(name, after))
            for name, (before, after) in changes.items()
        ],
    )


def _in_words(name: str, value: object) -> object:
    return told(name, value) if name in FEW_VALUES else in_words(value)


def warnings_table(warnings: Mapping[str, str]) -> SafeString:
    rows = [
        (format_html("<code>{}</code>", name), sentences.in_words(why))
        for name, why in warnings.items()
    ]
    return table([_("field"), _("warning")], rows)
