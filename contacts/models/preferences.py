"""The model of what a person said about marketing before there was a lead of theirs."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.addresses import MAX_BSUID, Address
from contacts.models.workspaces import Workspace
from leadsync.infra.visible import VisibleQuerySet


class MarketingWordQuerySet(VisibleQuerySet["MarketingWord"]):
    def at_any_of(self, addresses: list[Address]) -> Self:
        phones = [one.phone for one in addresses if one.phone]
        ids = [one.user_id for one in addresses if one.user_id]
        return self.filter(Q(contact_phone__in=phones) | Q(business_scoped_user_id__in=ids))

    def older_than(self, when: datetime) -> Self:
        return self.filter(at__lt=when)


class MarketingWord(models.Model):
    """That somebody who is no lead wants no marketing, or wants it again. Their lead takes it over,
    as soon as there is one (`contacts/marketing.py`)."""

    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="marketing_words", db_index=False
    )
    contact_phone = models.CharField(_("phone"), max_length=16, blank=True)
    business_scoped_user_id = models.CharField(
        _("WhatsApp user id"), max_length=MAX_BSUID, blank=True
    )
    is_stopped = models.BooleanField(_("wants no marketing"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    sequence = models.BigIntegerField(null=True, blank=True)

    objects = MarketingWordQuerySet.as_manager()

    class Meta:
        verbose_name = _("word about marketing")
        verbose_name_plural = _("words about marketing")
        constraints = [
            models.UniqueConstraint(
                fields=["contact_phone", "business_scoped_user_id", "workspace", "at"],
                name="marketing_word_is_kept_once",
            ),
            models.CheckConstraint(
                condition=~Q(contact_phone="", business_scoped_user_id=""),
                name="marketing_word_has_an_address",
            ),
        ]
        indexes = [
            # "What did the person with this id say?"
            models.Index(fields=["business_scoped_user_id"], name="marketing_word_by_user_id"),
            # "What is too old to keep?"
            models.Index(fields=["workspace", "at"], name="marketing_word_by_age"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def address(self) -> Address:
        return Address(phone=self.contact_phone, user_id=self.business_scoped_user_id)
