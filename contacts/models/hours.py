"""When a workspace works, and how soon it wants to answer."""

from datetime import date, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contacts.workflow import LeadStatus
from contacts.worktime import MIDNIGHT, WorkTime

WEEKDAYS = r"^1?2?3?4?5?6?7?$"
WORKING_DAYS = "12345"
MAX_HOLIDAYS = 200
HOT_MINUTES, WARM_MINUTES, MAX_MINUTES = 15, 120, 10_080


STALE_HOURS = {LeadStatus.NEW: 24, LeadStatus.QUALIFIED: 72, LeadStatus.CONTACTED: 168}
MAX_STALE_HOURS = 24 * 365
QUIET_DAYS, MAX_QUIET_DAYS = 7, 365
PATIENCE_COLUMNS = {status: f"stale_{status.value}_hours" for status in STALE_HOURS}


def validate_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(_("Use a name such as Asia/Jakarta."))


def validate_holidays(days: object) -> None:
    """Raise ValidationError unless these are dates as texts, and not too many."""
    try:
        known = isinstance(days, list) and [date.fromisoformat(day) for day in days]
    except (TypeError, ValueError):
        known = False
    if known is False or (known and len(known) > MAX_HOLIDAYS):
        raise ValidationError(_("Give a list of dates, each like 2026-12-25."))


def _minutes(title: object, default: int) -> models.PositiveSmallIntegerField:
    return models.PositiveSmallIntegerField(
        title,  # type: ignore[arg-type]
        default=default,
        db_default=default,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_MINUTES)],
    )


def _hours(title: object, default: int) -> models.PositiveSmallIntegerField:
    return models.PositiveSmallIntegerField(
        title,  # type: ignore[arg-type]
        default=default,
        db_default=default,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_STALE_HOURS)],
    )


class Hours(models.Model):
    """The columns of a workspace that say when it works."""

    time_zone = models.CharField(
        _("time zone"),
        max_length=63,
        blank=True,
        default="",
        db_default="",
        validators=[validate_zone],
        help_text=_("Such as Asia/Makassar. Empty: that of this installation."),
    )
    working_days = models.CharField(
        _("working days"),
        max_length=7,
        default=WORKING_DAYS,
        db_default=WORKING_DAYS,
        validators=[RegexValidator(WEEKDAYS)],
    )
    """ISO weekdays, Monday is 1."""
    opens_at = models.TimeField(_("opens at"), default=time(9), db_default=time(9))
    closes_at = models.TimeField(
        _("closes at"), default=time(17), db_default=time(17), help_text=_("0:00 is midnight.")
    )
    holidays = models.JSONField(
        _("holidays"), null=True, blank=True, validators=[validate_holidays]
    )
    hot_minutes = _minutes(_("minutes to answer a hot lead"), HOT_MINUTES)
    warm_minutes = _minutes(_("minutes to answer a warm lead"), WARM_MINUTES)

    stale_new_hours = _hours(_("hours until a new lead is stale"), STALE_HOURS[LeadStatus.NEW])
    stale_qualified_hours = _hours(
        _("hours until a qualified lead is stale"), STALE_HOURS[LeadStatus.QUALIFIED]
    )
    stale_contacted_hours = _hours(
        _("hours until a contacted lead is stale"), STALE_HOURS[LeadStatus.CONTACTED]
    )

    quiet_days = models.PositiveSmallIntegerField(
        _("days until a quiet qualified lead is to be called"),
        default=QUIET_DAYS,
        db_default=QUIET_DAYS,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_QUIET_DAYS)],
    )

    class Meta:
        abstract = True

    @property
    def patience(self) -> dict[str, timedelta]:
        """How long a lead may be quiet, by its status."""
        return {
            status: timedelta(hours=getattr(self, column))
            for status, column in PATIENCE_COLUMNS.items()
        }

    @property
    def work_time(self) -> WorkTime:
        return WorkTime(
            zone=ZoneInfo(self.time_zone or settings.TIME_ZONE),
            days=frozenset(map(int, self.working_days)),
            opens=self.opens_at,
            closes=self.closes_at,
            holidays=frozenset(map(date.fromisoformat, self.holidays or [])),
        )


HOURS_ARE_SOUND = [
    models.CheckConstraint(
        condition=Q(working_days__regex=WEEKDAYS), name="workspace_working_days_are_weekdays"
    ),
    models.CheckConstraint(
        condition=Q(opens_at__lt=F("closes_at")) | Q(closes_at=MIDNIGHT),
        name="workspace_opens_before_it_closes",
        violation_error_message=_("Open before you close; 0:00 is midnight."),
    ),
    models.CheckConstraint(
        condition=Q(hot_minutes__range=(1, MAX_MINUTES), warm_minutes__range=(1, MAX_MINUTES)),
        name="workspace_answers_within_a_minute_to_a_week",
    ),
    models.CheckConstraint(
        condition=Q(
            **{f"{column}__range": (1, MAX_STALE_HOURS) for column in PATIENCE_COLUMNS.values()}
        ),
        name="workspace_leads_are_stale_within_an_hour_to_a_year",
    ),
    models.CheckConstraint(
        condition=Q(quiet_days__range=(1, MAX_QUIET_DAYS)),
        name="workspace_leads_are_quiet_within_a_day_to_a_year",
    ),
]
