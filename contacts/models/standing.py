"""Where a lead stands: its status, told apart by who brought it there, a person or a bot."""

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from contacts.models.choices import Temperature
from contacts.workflow import FUNNEL, SARAH, AuthorKind, LeadStatus


class Standing(models.TextChoices):
    NEW = LeadStatus.NEW.value, LeadStatus.NEW.label
    QUALIFIED = LeadStatus.QUALIFIED.value, LeadStatus.QUALIFIED.label
    HANDED_OVER = "handed_over", _("Handed over, waiting for a person")
    CONTACTED = LeadStatus.CONTACTED.value, _("Contacted by a person")
    CONVERTED = LeadStatus.CONVERTED.value, _("Converted by a person")
    CLOSED = "closed_by_sarah", _("Closed by Sarah")
    COLD = "closed_cold", _("Closed by Sarah, not interested")
    ARCHIVED = LeadStatus.ARCHIVED.value, LeadStatus.ARCHIVED.label


SET_BY_BOT = Q(status_changed_at__isnull=False) & (
    Q(moved_by_person_at__isnull=True) | Q(moved_by_person_at__lt=F("status_changed_at"))
)
"""A bot moved the lead last. What was never moved, such as an import, stands as a person said."""
NOT_REACHED_SINCE = Q(last_contact_at__isnull=True) | Q(last_contact_at__lt=F("status_changed_at"))
ENDS = (LeadStatus.CONVERTED, LeadStatus.ARCHIVED)

TOLD_APART: dict[Standing, Q] = {
    Standing.HANDED_OVER: SET_BY_BOT & NOT_REACHED_SINCE & Q(lead_status=LeadStatus.CONTACTED),
    Standing.COLD: SET_BY_BOT & Q(lead_status__in=ENDS, lead_temperature=Temperature.COLD),
    Standing.CLOSED: SET_BY_BOT & Q(lead_status__in=ENDS),
}
"""What is no status by itself; the first that is true counts."""
STANDING = Case(
    *(When(is_so, then=Value(standing)) for standing, is_so in TOLD_APART.items()),
    default=F("lead_status"),
    output_field=models.CharField(choices=Standing),
)
STATUSES: dict[str, tuple[LeadStatus, ...]] = {
    Standing.HANDED_OVER: (LeadStatus.CONTACTED,),
    Standing.CLOSED: ENDS,
    Standing.COLD: ENDS,
}
"""The statuses of what is no status by itself: they are indexed."""


class Milestone(models.TextChoices):
    """How far leads came, in order: who reached one has passed those before it."""

    ADDED = "added", _("Added")
    QUALIFIED = "qualified", _("Qualified")
    HANDED_OVER = "handed_over", _("Handed over")
    CONTACTED = "contacted", _("Contacted by a person")
    CONVERTED = "converted", _("Converted by a person")


_stands = Q(status_changes__is_undone=False)
_by_person = _stands & (
    Q(status_changes__actor_kind=AuthorKind.PERSON)
    | (Q(status_changes__actor_kind="") & ~Q(status_changes__by=SARAH))
)
_converted = Q(status_changes__to=LeadStatus.CONVERTED) & _by_person
_contacted = (
    _converted
    | Q(last_contact_at__isnull=False)
    | (Q(status_changes__to=LeadStatus.CONTACTED) & _by_person)
)
_handed_over = _contacted | (Q(status_changes__to=LeadStatus.CONTACTED) & _stands)
_moved_on = Q(status_changes__to__in=FUNNEL[1:]) & _stands
_qualified = _handed_over | _moved_on | Q(lead_status__in=FUNNEL[1:])
REACHED: dict[Milestone, Q] = {
    Milestone.ADDED: Q(),
    Milestone.QUALIFIED: _qualified,
    Milestone.HANDED_OVER: _handed_over,
    Milestone.CONTACTED: _contacted,
    Milestone.CONVERTED: _converted,
}
"""By their history, not where they stand now."""
