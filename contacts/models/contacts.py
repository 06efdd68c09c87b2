"""The model of a lead."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.addresses import BSUID, MAX_BSUID, Address
from contacts.models.choices import Language, Temperature
from contacts.models.clocks import ResponseClock
from contacts.models.departures import Departure
from contacts.models.edits import as_told, edits_of
from contacts.models.lead_table import CONSTRAINTS, INDEXES, MAX_SCORE
from contacts.models.pauses import TakenOver
from contacts.models.questions import ContactQuerySet
from contacts.models.whatsapp import ToldByWhatsApp
from contacts.models.workspaces import Workspace
from contacts.phones import E164
from contacts.workflow import (
    STAMPS,
    UNSAID,
    AuthorKind,
    LeadStatus,
    Why,
    check_move,
    kept_stamps,
    stamps_of_move,
)
from leadsync.infra import clock
from leadsync.infra.writes import Collected

MAX_TEAM_SIZE = 2**31 - 1
HOLDABLE = (
    "name",
    "language",
    "business_type",
    "team_size",
    "pain_points",
    "goals",
    "location",
    "business_duration",
    "story",
    "interest_motivation",
    "priority",
    "urgency_level",
    "closing_technique",
    "objection",
    "lead_score",
    "lead_temperature",
)
"""Fields that the bot no longer overwrites once a person has edited them, until the person hands
them back. Not the status: the bot only moves it forward, and only by a message that arrived after a
person last moved it."""

ASSIGNED = ("assigned_to", "assigned_to_id")

MOVED = ("lead_status", *STAMPS)
"""Fields that a change of the status may change."""


class Contact(TakenOver, ToldByWhatsApp, ResponseClock, Collected):
    """A lead: what Sarah learned about a person, and what staff made of it."""

    workspace = models.ForeignKey(
        Workspace, models.PROTECT, related_name="contacts", verbose_name=_("workspace")
    )
    phone = models.CharField(  # noqa: DJ001 (null: unknown, of which there may be many)
        _("phone"),
        max_length=16,
        null=True,
        blank=True,
        validators=[RegexValidator(E164, _("Write the number as +6281234567890."))],
    )
    business_scoped_user_id = models.CharField(  # noqa: DJ001 (null: unknown, like the phone)
        _("WhatsApp user id"),
        max_length=MAX_BSUID,
        null=True,
        blank=True,
        validators=[RegexValidator(BSUID)],
        help_text=_("How WhatsApp names a person to this business, also without a number."),
    )
    name = models.CharField(_("name"), max_length=200, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    language = models.CharField(
        _("language"), max_length=2, choices=Language, default=Language.INDONESIAN
    )

    business_type = models.CharField(_("business type"), max_length=200, blank=True)
    team_size = models.PositiveIntegerField(
        _("team size"), null=True, blank=True, validators=[MaxValueValidator(MAX_TEAM_SIZE)]
    )
    pain_points = models.JSONField(_("pain points"), default=list, blank=True)
    goals = models.TextField(_("goals"), max_length=5000, blank=True)
    location = models.CharField(_("location"), max_length=200, blank=True)
    business_duration = models.CharField(_("in business for"), max_length=200, blank=True)
    story = models.TextField(_("story"), max_length=5000, blank=True)
    interest_motivation = models.TextField(_("why interested"), max_length=5000, blank=True)
    priority = models.CharField(_("priority"), max_length=200, blank=True)
    urgency_level = models.CharField(_("urgency"), max_length=200, blank=True)
    closing_technique = models.CharField(_("closing technique"), max_length=200, blank=True)
    objection = models.TextField(_("objection"), max_length=5000, blank=True)

    lead_score = models.PositiveSmallIntegerField(
        _("score"), default=0, validators=[MinValueValidator(0), MaxValueValidator(MAX_SCORE)]
    )
    lead_temperature = models.CharField(
        _("temperature"), max_length=8, choices=Temperature, default=Temperature.COLD
    )
    lead_status = models.CharField(
        _("status"), max_length=9, choices=LeadStatus, default=LeadStatus.NEW
    )
    status_changed_at = models.DateTimeField(_("status changed"), null=True, blank=True)
    status_changed_by = models.CharField(_("status changed by"), max_length=150, blank=True)
    moved_by_person_at = models.DateTimeField(_("moved by a person"), null=True, blank=True)
    """Only a message that arrived later may move the status (`sarah/rules.py`)."""
    moved_by_bot_at = models.DateTimeField(null=True, blank=True, editable=False)

    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="leads",
        verbose_name=_("assigned to"),
    )
    source = models.CharField(_("source"), max_length=50, blank=True)
    tags = models.JSONField(_("tags"), default=list, blank=True)
    opted_out = models.BooleanField(
        _("opted out"),
        default=False,
        help_text=_("Nothing that Sarah learns is copied to this lead any more."),
    )
    re_engaged_at = models.DateTimeField(_("re-engaged"), null=True, blank=True)
    staff_fields = models.JSONField(
        _("held by staff"),
        default=list,
        blank=True,
        help_text=_("Fields that a person has written and the bot leaves alone."),
    )
    last_activity_at = models.DateTimeField(_("last activity"), default=timezone.now)
    last_contact_at = models.DateTimeField(_("last contacted"), null=True, blank=True)
    created_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("lead")
        verbose_name_plural = _("leads")
        permissions = [
            ("take_over_contact", "Can take leads over from Sarah"),
            ("export_contact", "Can export leads"),
            ("import_contact", "Can import leads"),
        ]
        constraints = CONSTRAINTS
        indexes = INDEXES

    def __str__(self) -> str:
        return self.shown_name or self.phone or str(_("no number"))

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.phone = self.phone or None
        self.business_scoped_user_id = self.business_scoped_user_id or None
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            Departure.objects.keep([(self.pk, self.workspace_id)])
            return super().delete(*args, **kwargs)

    @property
    def shown_name(self) -> str:
        """What people call the lead; blank if only an address is known."""
        handle = f"@{self.whatsapp_username}" if self.whatsapp_username else ""
        return self.name or self.whatsapp_name or handle

    @property
    def owner_at_work(self) -> Any:
        """Whose the lead is, unless that person may not log in any more."""
        owner = self.assigned_to
        return owner if owner and owner.is_active and owner.is_staff else None

    @property
    def address(self) -> Address:
        return Address(phone=self.phone or "", user_id=self.business_scoped_user_id or "")

    def change(
        self,
        values: Mapping[str, object],
        *,
        by: str,
        kind: AuthorKind = AuthorKind.PERSON,
        why: Why = UNSAID,
    ) -> list[str]:
        """Write the values that differ, and return their names.

        A changed status is stamped and gets a history row, whoever changes it; raises MoveRefused
        if it may not change so. The caller holds the row's lock (`select_for_update`), because a
        bot and a person may write at once.
        """
        changed = {name: new for name, new in values.items() if getattr(self, name) != new}
        if not changed:
            return []
        to = str(changed.get("lead_status", ""))
        move = self._move(to, by=by, kind=kind, why=why) if to else None
        stamps = stamps_of_move(to, by=by, kind=kind, at=move.at) if move else {}
        if move and kind == AuthorKind.PERSON:
            stamps |= self.stopped(by=by, at=move.at)
        is_reassigned = not changed.keys().isdisjoint(ASSIGNED)
        former = self.assigned_to if is_reassigned else None
        for name, value in (changed | stamps).items():
            setattr(self, name, value)
        with transaction.atomic(savepoint=False):
            self.save(update_fields=[*changed, *stamps, "updated_at"])
            if move:
                move.save(force_insert=True)
            if is_reassigned:
                self._keep_assignment(former, by=by, kind=kind)
        return list(changed)

    def _keep_assignment(self, former: Any, *, by: str, kind: AuthorKind) -> None:
        """Write the history row; the next step of the former person goes along."""
        self.assignments.model(
            contact=self,
            from_name=former.get_username() if former else "",
            to_name=self.assigned_to.get_username() if self.assigned_to else "",
            by=by,
            actor_kind=kind,
        ).save(force_insert=True)
        self.follow_ups.open().filter(assigned_to=former).update(assigned_to=self.assigned_to)

    def _move(self, to: str, *, by: str, kind: AuthorKind, why: Why) -> Any:
        """Return the history row of a move that is about to be made."""
        check_move(self.lead_status, to, kind=kind, why=why)
        by_person = kind == AuthorKind.PERSON
        return self.status_changes.model(
            contact=self,
            from_status=self.lead_status,
            to=to,
            by=by,
            actor_kind=kind,
            reason=why.text,
            archive_reason=why.archived if to == LeadStatus.ARCHIVED else "",
            at=clock.now(),
            before=kept_stamps({one: getattr(self, one) for one in STAMPS}) if by_person else None,
        )

    def change_status(
        self, to: str, *, by: str, kind: AuthorKind = AuthorKind.PERSON, why: Why = UNSAID
    ) -> bool:
        """Change the status, signed `by`; returns False if it was that already."""
        with transaction.atomic():
            contact = Contact.objects.select_for_update(no_key=True).get(pk=self.pk)
            changed = contact.change({"lead_status": to}, by=by, kind=kind, why=why)
        self.refresh_from_db(fields=MOVED)
        return bool(changed)

    def assign(self, to: Any, *, by: str, kind: AuthorKind = AuthorKind.PERSON) -> bool:
        """Give the lead to a person, or to nobody (None); returns False if it was so already."""
        with transaction.atomic():
            contact = Contact.objects.select_for_update(no_key=True).get(pk=self.pk)
            changed = contact.change({"assigned_to_id": to and to.pk}, by=by, kind=kind)
        self.refresh_from_db(fields=["assigned_to"])
        return bool(changed)

    def edit(
        self,
        values: Mapping[str, object],
        *,
        by: str,
        handed_back: Iterable[str] = (),
        why: Why = UNSAID,
    ) -> list[str]:
        """Write what a person changed, protect it from the bot, and return the names that differ.

        `values` contains only fields that the person changed: what a bot wrote into the others
        while the form was open stays.
        """
        with transaction.atomic():
            # Locked: a bot's message may be writing to this lead right now.
            contact = Contact.objects.select_for_update(no_key=True).get(pk=self.pk)
            held = {*contact.staff_fields, *values} - set(handed_back)
            staff_fields = [name for name in HOLDABLE if name in held]
            written = {**values, "staff_fields": staff_fields}
            before = {name: as_told(getattr(contact, name)) for name in written}
            changed = contact.change(written, by=by, why=why)
            rows = edits_of(before, written, changed, by=by)
            contact.edits.bulk_create(contact.edits.model(contact=contact, **row) for row in rows)
        self.refresh_from_db()
        return changed
