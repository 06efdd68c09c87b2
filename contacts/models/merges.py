"""Models of merged leads: what was suggested, and what was done, so that it can be undone."""

from datetime import timedelta
from typing import Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.models.contacts import Contact
from leadsync.infra.visible import VisibleQuerySet

UNDOABLE_FOR = timedelta(days=30)


class MergeSuggestionQuerySet(VisibleQuerySet["MergeSuggestion"]):
    workspace_path = "first__workspace"  # that of both

    def open(self) -> Self:
        return self.filter(declined_at__isnull=True)

    def suggest(self, one: Contact, other: Contact) -> None:
        """Open it, once; one that a person declined stays declined."""
        first, second = sorted((one, other), key=lambda lead: lead.pk)
        self.bulk_create([self.model(first=first, second=second)], ignore_conflicts=True)

    def about(self, lead: Contact) -> Self:
        return self.filter(Q(first=lead) | Q(second=lead))

    def decline(self, *, by: str) -> int:
        """Keep the two apart: nobody is asked again."""
        return self.open().update(declined_at=timezone.now(), declined_by=by)


class MergeSuggestion(models.Model):
    """Two leads that WhatsApp knows as one person, and that only a person may merge."""

    first = models.ForeignKey(Contact, models.CASCADE, related_name="+", verbose_name=_("one lead"))
    second = models.ForeignKey(
        Contact, models.CASCADE, related_name="+", verbose_name=_("other lead")
    )
    created_at = models.DateTimeField(_("suggested"), default=timezone.now)
    declined_at = models.DateTimeField(_("kept apart"), null=True, blank=True)
    declined_by = models.CharField(_("kept apart by"), max_length=150, blank=True)

    objects = MergeSuggestionQuerySet.as_manager()

    class Meta:
        verbose_name = _("merge suggestion")
        verbose_name_plural = _("merge suggestions")
        constraints = [
            models.UniqueConstraint(
                fields=["first", "second"], name="merge_suggestion_is_made_once"
            ),
            models.CheckConstraint(
                condition=Q(first__lt=F("second")), name="merge_suggestion_is_of_two_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first} + {self.second}"


class MergeQuerySet(VisibleQuerySet["Merge"]):
    workspace_path = "survivor__workspace"

    def undoable(self) -> Self:
        return self.filter(undone_at__isnull=True, at__gte=timezone.now() - UNDOABLE_FOR)

    def older_than(self, when: object) -> Self:
        return self.filter(at__lt=when)


class Merge(models.Model):
    """A lead that was merged into another: all that it was, and all that it brought."""

    survivor = models.ForeignKey(
        Contact, models.CASCADE, related_name="merges", verbose_name=_("lead")
    )
    absorbed = models.JSONField(_("the other lead"), encoder=DjangoJSONEncoder)
    """Its columns."""
    before = models.JSONField(_("before"), encoder=DjangoJSONEncoder)
    after = models.JSONField(_("after"), encoder=DjangoJSONEncoder)
    """The columns of the survivor that the merge changed."""
    brought = models.JSONField(_("what it brought"), default=dict)
    """The keys of the rows that came with it, by model and column."""
    by = models.CharField(_("by"), max_length=150)
    at = models.DateTimeField(_("merged"), default=timezone.now)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    undone_by = models.CharField(_("undone by"), max_length=150, blank=True)

    objects = MergeQuerySet.as_manager()

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def shown_name(self) -> str:
        """What the absorbed lead was called, else its number."""
        names = ("name", "whatsapp_name", "phone")
        return next((str(self.absorbed[name]) for name in names if self.absorbed.get(name)), "")
