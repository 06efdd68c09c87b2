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


def told_by(change: str) -> dict[Milestone, Q]:
    """What a row of a lead's history says of how far it came; `change` is the lookup to that row,
    blank for the row itself."""

    def is_so(**values: object) -> Q:
        return Q(**{f"{change}{name}": value for name, value in values.items()})

    stands = is_so(is_undone=False)
    by_person = stands & (
        is_so(actor_kind=AuthorKind.PERSON) | (is_so(actor_kind="") & ~is_so(by=SARAH))
    )
    converted = is_so(to=LeadStatus.CONVERTED) & by_person
    return {
        Milestone.QUALIFIED: is_so(to__in=FUNNEL[1:]) & stands,
        Milestone.HANDED_OVER: converted | (is_so(to=LeadStatus.CONTACTED) & stands),
        Milestone.CONTACTED: converted | (is_so(to=LeadStatus.CONTACTED) & by_person),
        Milestone.CONVERTED: converted,
    }


_reached = Q(last_contact_at__isnull=False)
TOLD_BY_LEAD: dict[Milestone, Q] = {
    Milestone.QUALIFIED: _reached | Q(lead_status__in=FUNNEL[1:]),
    Milestone.HANDED_OVER: _reached,
    Milestone.CONTACTED: _reached,
}
"""What the lead itself says of it."""
REACHED: dict[Milestone, Q] = {Milestone.ADDED: Q()} | {
    milestone: told | TOLD_BY_LEAD.get(milestone, Q())
    for milestone, told in told_by("status_changes__").items()
}
"""By their history, not where they stand now."""
