"""The model of a move: a number or id that a person had before, and where it leads now."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.addresses import MAX_BSUID, Address
from contacts.models.workspaces import Workspace
from leadsync.infra.visible import VisibleQuerySet


def _either(value: str) -> Address:
    """The address of which this is one half."""
    return Address(phone=value) if value.startswith("+") else Address(user_id=value)


class AddressChangeQuerySet(VisibleQuerySet["AddressChange"]):
    def leading_to(self, address: Address, *, workspace_id: int) -> Self:
        """The addresses that this one replaced."""
        here = Q(pk__in=[])
        if address.phone:
            here |= Q(phone=address.phone)
        if address.user_id:
            here |= Q(user_id=address.user_id)
        return self.filter(here, workspace=workspace_id)

    def keep(
        self, former: Address, current: Address, *, workspace: Workspace, at: datetime
    ) -> None:
        """Remember where each half of `former` leads; what was told last of it counts.

        An address that somebody came back to leads nowhere else any more.
        """
        now_at = {current.phone, current.user_id}
        self.filter(workspace=workspace, former__in=now_at, at__lt=at).delete()
        for value in sorted({former.phone, former.user_id} - {"", *now_at}):
            back = self.leading_to(_either(value), workspace_id=workspace.pk)
            if back.filter(at__gt=at).exists():
                continue
            told = {"phone": current.phone, "user_id": current.user_id, "at": at}
            row = self.model(workspace=workspace, former=value, **told)
            self.bulk_create([row], ignore_conflicts=True)
            self.filter(workspace=workspace, former=value, at__lt=at).update(**told)


class AddressChange(models.Model):
    """A phone or an id that a person had before. It may be known before the lead is."""

    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="address_changes", db_index=False
    )
    former = models.CharField(_("former phone or id"), max_length=MAX_BSUID)
    phone = models.CharField(_("phone now"), max_length=16, blank=True)
    user_id = models.CharField(_("WhatsApp user id now"), max_length=MAX_BSUID, blank=True)
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = AddressChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("changed address")
        verbose_name_plural = _("changed addresses")
        constraints = [
            models.UniqueConstraint(
                fields=["former", "workspace"], name="address_change_is_known_once"
            ),
            models.CheckConstraint(
                condition=~Q(phone="", user_id=""), name="address_change_leads_somewhere"
            ),
        ]
        indexes = [
            # "What did this person have before?"
            models.Index(fields=["phone"], condition=~Q(phone=""), name="address_change_to_phone"),
            models.Index(
                fields=["user_id"], condition=~Q(user_id=""), name="address_change_to_user_id"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def now(self) -> Address:
        return Address(phone=self.phone, user_id=self.user_id)

    @property
    def before(self) -> Address:
        return _either(self.former)
