"""The model of a workspace: a business that uses LeadSync."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.models.choices import Language
from contacts.models.hours import HOURS_ARE_SOUND, Hours
from contacts.phones import E164, REGIONS
from leadsync.infra.visible import VisibleQuerySet

REGION = r"^[A-Z]{2}$"
MAX_TEST_NUMBERS = 200
CHAT_DAYS, MAX_CHAT_DAYS = 180, 3650


def validate_region(region: str) -> None:
    """Raise ValidationError if national numbers of this region cannot be read."""
    if region not in REGIONS:
        raise ValidationError(_("Use two capital letters, such as ID or SG."))


def validate_test_numbers(numbers: object) -> None:
    """Raise ValidationError unless these are E.164 numbers, and not too many: every message
    searches them."""
    if not isinstance(numbers, list) or not all(
        isinstance(number, str) and re.fullmatch(E164, number) for number in numbers
    ):
        raise ValidationError(_("Give a list of numbers, each like +6281234567890."))
    if len(numbers) > MAX_TEST_NUMBERS:
        raise ValidationError(_("Write at most %d of them.") % MAX_TEST_NUMBERS)


class WorkspaceQuerySet(VisibleQuerySet["Workspace"]):
    workspace_path = "pk"


class Workspace(Hours):
    """A business that uses LeadSync. Bots name it by its slug, which never changes."""

    slug = models.SlugField(_("slug"), unique=True, max_length=50)
    name = models.CharField(_("name"), max_length=100)
    region = models.CharField(
        _("region"),
        max_length=2,
        default="ID",
        validators=[validate_region],
        help_text=_("Country (ISO 3166) in which national phone numbers are read."),
    )
    kapso_phone_number_id = models.CharField(
        _("Kapso phone number id"),
        max_length=64,
        unique=True,
        null=True,
        blank=True,
        default=None,
        help_text=_("Bots may name the workspace by this id instead of its slug."),
    )
    creates_contacts = models.BooleanField(
        _("create leads for unknown numbers"),
        default=False,
        help_text=_("Otherwise a message from an unknown number waits until the lead is added."),
    )
    max_created_per_hour = models.PositiveIntegerField(
        _("most leads per hour"),
        default=500,
        help_text=_(
            "Further conversations are kept and become leads in a later hour, so that a flood of "
            "unknown numbers does not bury your leads. After a real rush, raise the limit: "
            "waiting conversations become leads at once, up to the new limit."
        ),
    )
    status_by_state = models.JSONField(
        _("statuses by state"),
        null=True,
        blank=True,
        help_text=_("Which status a conversation's state gives a lead, where not the usual one."),
    )
    test_numbers = models.JSONField(
        _("test numbers"),
        default=list,
        blank=True,
        validators=[validate_test_numbers],
        help_text=_("Conversations with these phones are kept, but never copied to a lead."),
    )

    assigns_by_turns = models.BooleanField(
        _("give leads by turns"),
        default=False,
        db_default=False,
        help_text=_(
            "A lead that Sarah hands over and that is nobody's goes to the member who takes leads "
            "and got one longest ago: at once; switched off, only when nobody has answered it in "
            "time."
        ),
    )
    plans_next_steps = models.BooleanField(
        _("plan a next step"),
        default=True,
        db_default=True,
        help_text=_(
            "A lead that Sarah hands over, and for which nobody plans anything, is to be contacted "
            "again in 3 days."
        ),
    )
    chat_days = models.PositiveSmallIntegerField(
        _("days to keep the chat"),
        default=CHAT_DAYS,
        db_default=CHAT_DAYS,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_CHAT_DAYS)],
        help_text=_("What leads and staff wrote on WhatsApp is deleted after this time."),
    )

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        verbose_name = _("workspace")
        verbose_name_plural = _("workspaces")
        ordering = ["slug"]
        constraints = [
            *HOURS_ARE_SOUND,
            models.CheckConstraint(
                condition=Q(region__regex=REGION),
                name="workspace_region_is_two_capital_letters",
                violation_error_message=_("Use two capital letters, such as ID or SG."),
            ),
            models.CheckConstraint(
                condition=Q(chat_days__range=(1, MAX_CHAT_DAYS)),
                name="workspace_keeps_chat_a_day_to_ten_years",
            ),
            models.CheckConstraint(
                condition=Q(kapso_phone_number_id__isnull=True) | ~Q(kapso_phone_number_id=""),
                name="workspace_kapso_id_is_null_or_not_empty",
                violation_error_message=_("Leave the Kapso id out instead of giving an empty one."),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.slug

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.kapso_phone_number_id = self.kapso_phone_number_id or None
        is_new = self._state.adding
        with transaction.atomic():
            super().save(*args, **kwargs)
            if not is_new:
                self.contacts.set_clocks(self)

    @property
    def language(self) -> str:
        """Of its country: what people are told in who have chosen none."""
        return (Language.INDONESIAN if self.region == "ID" else Language.ENGLISH).value

    def is_test_number(self, phone: str | None) -> bool:
        """Whether conversations with this phone (E.164) never reach a lead."""
        return phone in self.test_numbers

    def answers_to(self, ref: str) -> bool:
        """Whether `ref` names this workspace."""
        return ref in (self.slug, self.kapso_phone_number_id)
