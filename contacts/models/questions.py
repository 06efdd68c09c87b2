"""The questions that staff ask of leads; admin, API and commands ask the same."""

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Self

from django.db import models, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce, NullIf, Upper
from django.utils import timezone

from contacts.addresses import Address, is_user_id
from contacts.models.choices import Temperature
from contacts.models.clocks import (
    IN_TIME,
    RUNNING,
    Answers,
    answers_of,
    late,
    stopping,
    time_to_answer,
)
from contacts.models.departures import Departure
from contacts.models.standing import REACHED, STANDING, STATUSES, TOLD_BY_LEAD, Milestone, told_by
from contacts.models.workspaces import Workspace
from contacts.phones import search_range
from contacts.workflow import AuthorKind, LeadStatus
from leadsync.infra.db import BATCH_SIZE, CAP
from leadsync.infra.visible import VisibleQuerySet

HOT_SCORE = 70
HOT = Q(lead_temperature=Temperature.HOT) | Q(lead_score__gte=HOT_SCORE)
SHOWN_NAME = Coalesce(
    *(NullIf(Upper(name), Value("")) for name in ("name", "whatsapp_name", "whatsapp_username")),
    F("phone"),
    Value(""),
    output_field=models.TextField(),
)
"""What a lead is called, for sorting; an index answers it."""
RE_ENGAGED = Q(lead_status=LeadStatus.ARCHIVED, re_engaged_at__isnull=False) & (
    Q(status_changed_at__isnull=True) | Q(re_engaged_at__gte=F("status_changed_at"))
)
"""Archived leads that have written again since."""


def _between(column: str, since: datetime, until: datetime | None) -> dict[str, datetime]:
    return {f"{column}__gte": since} | ({f"{column}__lt": until} if until else {})


class ContactQuerySet(VisibleQuerySet[Any]):
    is_always_owned = True

    def update(self, **values: Any) -> int:
        """Stamp the rows: whoever follows the changes of leads finds them by it."""
        return super().update(**values | {"updated_at": timezone.now()})

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            Departure.objects.keep(self.order_by().values_list("pk", "workspace_id"))
            return super().delete()

    def hot(self, *, also: Iterable[int] = ()) -> Self:
        """Leads to call first: hot by temperature or score, and neither won nor archived; `also`
        are further ones that are hot by what somebody says."""
        is_hot = HOT | Q(pk__in=also) if also else HOT
        return self.filter(is_hot).exclude(
            lead_status__in=[LeadStatus.CONVERTED, LeadStatus.ARCHIVED]
        )

    def re_engaged(self) -> Self:
        return self.filter(RE_ENGAGED)

    def status_changed_since(self, when: datetime, until: datetime | None = None) -> Self:
        return self.filter(**_between("status_changed_at", when, until))

    def at(self, address: Address) -> Self:
        """Leads with this phone or this id, in any workspace."""
        named = Q(pk__in=[])
        if address.phone:
            named |= Q(phone=address.phone)
        if address.user_id:
            named |= Q(business_scoped_user_id=address.user_id)
        return self.filter(named)

    def added_since(self, when: datetime, until: datetime | None = None) -> Self:
        return self.filter(**_between("created_at", when, until))

    def active_since(self, when: datetime, until: datetime | None = None) -> Self:
        return self.filter(**_between("last_activity_at", when, until))

    def stale(self) -> Self:
        """Those that are quiet for longer than their workspace allows in their status.

        Each workspace is named, with its times: so the index by status answers.
        """
        now = timezone.now()
        quiet = [
            Q(workspace=workspace.pk, lead_status=status, last_activity_at__lt=now - patience)
            for workspace in Workspace.objects.all()
            for status, patience in workspace.patience.items()
        ]
        return self.filter(reduce(or_, quiet, Q(pk__in=[])))

    def with_standing(self) -> Any:
        """Give each lead its `standing`."""
        return self.annotate(standing=STANDING)

    def standing(self, *standings: str) -> Self:
        """Leads that stand there: see `Standing`."""
        statuses = {status for one in standings for status in STATUSES.get(one, (one,))}
        return self.alias(stands=STANDING).filter(lead_status__in=statuses, stands__in=standings)

    def milestones(self) -> dict[Milestone, int]:
        """Count how many leads reached each, by their history; one statement.

        Grouped by lead first: counting distinct leads would sort them for each milestone.
        """
        counts = {f"n_{one.value}": Count("pk", filter=reached) for one, reached in REACHED.items()}
        by_lead = self.order_by().values("pk").annotate(**counts)
        found = by_lead.aggregate(
            **{one.value: Count("pk", filter=Q(**{f"n_{one.value}__gt": 0})) for one in REACHED}
        )
        return {milestone: found[milestone] for milestone in REACHED}

    def reached(self, milestone: str) -> Self:
        """Those that came so far, by their history."""
        if milestone == Milestone.ADDED:
            return self.all()
        changes = self._history().filter(told_by("")[Milestone(milestone)], contact=OuterRef("pk"))
        return self.filter(TOLD_BY_LEAD.get(Milestone(milestone), Q(pk__in=[])) | Exists(changes))

    def won_within(self, since: datetime, until: datetime | None = None) -> Self:
        """Those that a person converted then."""
        to_won = {"to": LeadStatus.CONVERTED, "actor_kind": AuthorKind.PERSON, "is_undone": False}
        moves = self._history().filter(**to_won, **_between("at", since, until))
        return self.filter(pk__in=moves.values("contact"))

    def _history(self) -> Any:
        return self.model.status_changes.rel.related_model.objects

    def waiting(self) -> Self:
        """Those whose response clock runs."""
        return self.filter(RUNNING)

    def overdue(self) -> Self:
        """Those that a person should have answered by now."""
        return self.waiting().filter(answer_by__lt=timezone.now())

    def answered(self, *, by: str, at: datetime) -> int:
        """Stop the response clocks that run."""
        return self.waiting().update(**stopping(by=by, at=at))

    def in_time(self) -> Self:
        """Those that a person answered in time."""
        return self.filter(IN_TIME)

    def late(self) -> Self:
        """Those that were answered late, or should have been answered by now."""
        return self.filter(late(timezone.now()))

    def handed_over_within(self, since: datetime, until: datetime | None = None) -> Self:
        return self.filter(**_between("handed_over_at", since, until))

    def answers(self, *, since: datetime) -> Answers:
        """Sum up how the newest of those handed over since then were answered."""
        handed_over = self.filter(handed_over_at__gte=since).order_by("-handed_over_at")
        columns = ("handed_over_at", "answer_by", "answered_at", "answered_by")
        return answers_of(handed_over.values_list(*columns)[:CAP], now=timezone.now())

    def answers_within(self, since: datetime, until: datetime) -> tuple[int, int]:
        """Count how many of the newest of those handed over then were answered in time, and how
        many were not."""
        newest = self.handed_over_within(since, until).order_by("-handed_over_at")[:CAP]
        found = newest.aggregate(
            in_time=Count("pk", filter=IN_TIME),
            late=Count("pk", filter=late(timezone.now())),
        )
        return found["in_time"], found["late"]

    def set_clocks(self, workspace: Workspace) -> None:
        """Recompute the clocks that run, by the workspace's hours of now."""
        leads = self.waiting().filter(workspace=workspace)
        wrong = []
        for lead in leads.only("handed_over_at", "handed_over_as", "answer_by").iterator():
            at: Any = lead.handed_over_at
            answer_by = time_to_answer(lead.handed_over_as, workspace, at=at)
            if answer_by != lead.answer_by:
                lead.answer_by = answer_by
                wrong.append(lead)
        self.bulk_update(wrong, ["answer_by"], batch_size=BATCH_SIZE)

    def reached_out(self, *, by: str, at: datetime) -> int:
        """Note that a person contacted these leads."""
        earlier = Q(last_contact_at__isnull=True) | Q(last_contact_at__lt=at)
        return self.filter(earlier).update(last_contact_at=at, **stopping(by=by, at=at))

    def matching(self, typed: str, *, region: str = "") -> Self:
        """Leads whose phone begins with `typed`, in any spelling, or else whose name or business
        contains it.

        A WhatsApp user name or id is found if it is typed in full. Each of these uses indexes; a
        search for phone and name at once could not. A national number is read in `region`, or else
        in the region of every workspace.
        """
        typed = typed.replace("\x00", "").strip()
        regions = [(region,)] if region else Workspace.objects.values_list("region").distinct()
        bounds = {search_range(typed, region=region) for (region,) in regions} - {None}
        if bounds:
            return self.filter(reduce(or_, (Q(phone__range=pair) for pair in bounds)))
        if is_user_id(typed):
            return self.filter(business_scoped_user_id=typed)
        texts = ("name", "whatsapp_name", "business_type")
        found = [Q(**{f"{text}__icontains": typed}) for text in texts]
        handle = Q(whatsapp_username=typed.removeprefix("@").lower() or None)
        return self.filter(reduce(or_, [*found, handle]))
