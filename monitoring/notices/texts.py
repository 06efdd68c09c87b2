"""Writes the messages about leads, in their reader's language.

What a lead said is hostile: it may neither format the message, nor call anybody, nor link.
"""

from collections import Counter
from collections.abc import Sequence

from django.conf import settings as site
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from contacts.models import Contact
from contacts.text import plain
from monitoring.alerts.messages import Message
from monitoring.models import LeadEvent, LeadEventKind, NotificationPreferences

MAX_NAME, MAX_NEED = 40, 60
NAMED = 5
"""Leads that a summary names."""
TITLES = {
    LeadEventKind.HANDED_OVER: gettext_lazy("Hot lead: %s"),
    LeadEventKind.ASSIGNED: gettext_lazy("A lead for you: %s"),
    LeadEventKind.RUNNING_OUT: gettext_lazy("Answer soon: %s"),
    LeadEventKind.RE_ENGAGED: gettext_lazy("Writes again: %s"),
}
COUNTED = {
    LeadEventKind.HANDED_OVER: ngettext_lazy("%d hot lead handed over", "%d hot leads handed over"),
    LeadEventKind.ASSIGNED: ngettext_lazy("%d lead assigned to you", "%d leads assigned to you"),
    LeadEventKind.RUNNING_OUT: ngettext_lazy(
        "%d lead to be answered soon", "%d leads to be answered soon"
    ),
    LeadEventKind.RE_ENGAGED: ngettext_lazy(
        "%d archived lead writes again", "%d archived leads write again"
    ),
}


def message_about(event: LeadEvent, preferences: NotificationPreferences) -> Message:
    lead = event.contact
    with translation.override(preferences.language_in(lead.workspace)):
        url = _url(reverse("admin:contacts_contact_change", args=[lead.pk]))
        title = str(TITLES[LeadEventKind(event.kind)]) % _name(lead)
        return Message(
            text="\n".join(
                filter(None, (f"[LeadSync] {title} ({lead.lead_score})", _why(event), url))
            ),
            event="lead",
            cause=event.kind,
            subject=str(lead.pk),
            workspace=lead.workspace.slug,
            at=event.happened_at,
            url=url,
        )


def summary_of(events: Sequence[LeadEvent], preferences: NotificationPreferences) -> Message:
    """One message about many events: how many of each kind, and the best of the leads."""
    leads = {event.contact_id: event.contact for event in events}
    best = sorted(leads.values(), key=lambda lead: -lead.lead_score)
    with translation.override(preferences.language_in(best[0].workspace)):
        counts = Counter(event.kind for event in events)
        told = [str(COUNTED[kind] % counts[kind]) for kind in LeadEventKind if counts[kind]]
        url = _url(reverse("admin:contacts_contact_today"))
        names = [f"• {_name(lead)} ({lead.lead_score})" for lead in best[:NAMED]]
        more = [_("and %d more") % (len(best) - NAMED)] if len(best) > NAMED else []
        return Message(
            text="\n".join(filter(None, (f"[LeadSync] {', '.join(told)}", *names, *more, url))),
            event="lead",
            cause="summary",
            at=timezone.now(),
            url=url,
        )


def _why(event: LeadEvent) -> str:
    lead, now = event.contact, timezone.now()
    need = plain(lead.business_type or lead.goals, MAX_NEED)
    sentences = [_("Needs: %s.") % need] if need else []
    match event.kind:
        case LeadEventKind.HANDED_OVER:
            ago = timesince(event.happened_at, now, depth=1)
            sentences.append(_("Handed over %s ago.") % ago)
        case LeadEventKind.ASSIGNED:
            sentences.append(_("Assigned to you by %s.") % plain(event.by, MAX_NAME))
        case LeadEventKind.RE_ENGAGED:
            sentences.append(_("Was archived, and has written again."))
    if lead.answer_by and not lead.answered_at:
        sentences.append(_("A person should answer by %s.") % _clock(lead))
    return " ".join(sentences).replace("\xa0", " ")


def _clock(lead: Contact) -> str:
    """The time to answer by, on the clock of its workspace."""
    local = timezone.localtime(lead.answer_by, lead.workspace.work_time.zone)
    today = timezone.localtime(timezone.now(), local.tzinfo).date()
    return date_format(local, "H:i" if local.date() == today else "D j M, H:i")


def _name(lead: Contact) -> str:
    return plain(lead.shown_name, MAX_NAME) or lead.phone or _("no name")


def _url(path: str) -> str:
    return f"{site.LEADSYNC_SITE_URL}{path}" if site.LEADSYNC_SITE_URL else ""
