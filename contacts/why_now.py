"""Why a lead wants somebody's attention now, in a sentence. Pure, but for its words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.utils.timesince import timesince
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.models import Standing
from contacts.workflow import LeadStatus

FRESH = timedelta(days=30)
"""What was silent for longer is no work of today."""


class Reason(models.TextChoices):
    """Why a lead is on the list; the first one that holds is told."""

    OVERDUE = "overdue", _("Overdue")
    FOLLOW_UP = "follow_up", _("Next step due")
    HANDED_OVER = "handed_over", _("Handed over")
    RE_ENGAGED = "re_engaged", _("Has come back")
    QUIET = "quiet", _("Quiet")


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNow:
    text: str
    is_urgent: bool = False


def told(reason: Reason, lead: Any, *, now: datetime, step: Any = None) -> str:
    """Say why, for a lead of which this reason holds."""
    match reason:
        case Reason.OVERDUE:
            waited = timesince(lead.handed_over_at, now, depth=1)
            return gettext("Handed over %s ago, and nobody has answered in time.") % waited
        case Reason.FOLLOW_UP:
            return gettext("Next step due: %s") % step.text
        case Reason.HANDED_OVER:
            return gettext("Hot, handed over, and not contacted yet.")
        case Reason.RE_ENGAGED:
            return gettext("Was archived, and has written again.")
        case Reason.QUIET:
            silent = timesince(lead.last_activity_at, now, depth=1)
            return gettext("Qualified, and quiet for %s.") % silent


def why_now(lead: Any, *, now: datetime, step: Any = None) -> WhyNow | None:
    """Return the first reason that holds, shorter than in the list of today; None if none does.

    `step` is the lead's open next step; the lead has its `standing`.
    """
    return next(_reasons(lead, now, step), None)


def _reasons(lead: Any, now: datetime, step: Any) -> Iterator[WhyNow]:
    if lead.answer_by and not lead.answered_at:
        yield _clock(lead, now)
    if step and step.due_at <= now:
        yield WhyNow(text=step.text, is_urgent=True)
    if lead.standing == Standing.HANDED_OVER:
        waited = timesince(lead.status_changed_at, now, depth=1)
        yield WhyNow(text=gettext("Handed over %s ago") % waited)
    if lead.lead_status == LeadStatus.ARCHIVED and _is_back(lead):
        back = timesince(lead.re_engaged_at, now, depth=1)
        yield WhyNow(text=gettext("Wrote again %s ago") % back, is_urgent=True)
    quiet_since = now - timedelta(days=lead.workspace.quiet_days)
    if lead.lead_status == LeadStatus.QUALIFIED and lead.last_activity_at < quiet_since:
        silent = timesince(lead.last_activity_at, now, depth=1)
        yield WhyNow(text=gettext("Quiet for %s") % silent)


def _clock(lead: Any, now: datetime) -> WhyNow:
    if lead.answer_by < now:
        waited = timesince(lead.handed_over_at, now, depth=1)
        return WhyNow(text=gettext("Waiting for you for %s") % waited, is_urgent=True)
    left = timesince(now, lead.answer_by, depth=1)
    return WhyNow(text=gettext("Answer within %s: handed over") % left)


def _is_back(lead: Any) -> bool:
    moved = lead.status_changed_at
    return bool(lead.re_engaged_at and (moved is None or lead.re_engaged_at >= moved))
