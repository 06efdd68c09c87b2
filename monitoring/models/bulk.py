"""What a person asked for on many failures at once: a result for each, and a way to stop it."""

from datetime import timedelta
from typing import Self

from django.db import IntegrityError, models, transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from monitoring.kinds import MAX_NOTE
from monitoring.models.failures import SyncFailure, SyncFailureQuerySet
from monitoring.models.groups import FailureGroup

LEASE = timedelta(minutes=2)
"""How long a run is left to whoever works it after each sign of life."""
BATCH_SIZE = 500
MAX_RACES = 5


class BulkAction(models.TextChoices):
    RETRY = "retry", _("Try again")
    RESOLVE = "resolve", _("Mark resolved")


class BulkResult(models.TextChoices):
    SYNCED = "synced", _("In sync now")
    STILL_FAILING = "still_failing", _("Still fails")
    RESOLVED = "resolved", _("Resolved")
    LEFT_ALONE = "left_alone", _("Left alone")
    """Over already, seen again since it was chosen, or nothing that a retry could mend."""


class BulkRunQuerySet(models.QuerySet["BulkRun"]):
    def unfinished(self) -> Self:
        return self.filter(finished_at__isnull=True, cancelled_at__isnull=True)

    def with_progress(self) -> Self:
        """With `asked_for`, how many failures it is about, and `done`, how many of them so far."""
        return self.annotate(
            asked_for=Count("items"),
            done=Count("items", filter=Q(items__worked_at__isnull=False)),
        )

    def ask(
        self,
        action: str,
        failures: SyncFailureQuerySet,
        *,
        by: str,
        note: str = "",
        group: FailureGroup | None = None,
    ) -> "BulkRun":
        """A run on these failures as they are now; it is worked by `sarah.bulk`.

        Resolving a whole `group` is also said of the group. The run is leased until all its items
        are written down, since nobody may find it empty and call it finished.
        """
        run = self.create(
            action=action, asked_by=by, note=note, group=group, leased_until=Now() + LEASE
        )
        run.list_items(failures)
        if group and action == BulkAction.RESOLVE:
            FailureGroup.objects.filter(pk=group.pk).say_resolved(by=by, note=note, at=run.asked_at)
        run.give_back()
        return run

    def lease(self) -> "BulkRun | None":
        """The oldest unfinished run, for the caller alone; None if there is none that is free.

        Leases run out by the database's clock, so the run of a killed worker is taken over.
        """
        free = Q(leased_until__isnull=True) | Q(leased_until__lte=Now())
        with transaction.atomic():
            runs = self.unfinished().filter(free).order_by("pk")
            run = runs.select_for_update(skip_locked=True, no_key=True).first()
            if run:
                run.keep()
        return run


class BulkRun(models.Model):
    """One action on the failures that somebody chose, worked in small commits."""

    action = models.CharField(_("action"), max_length=7, choices=BulkAction)
    asked_by = models.CharField(_("asked by"), max_length=150)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    note = models.TextField(_("note"), max_length=MAX_NOTE, blank=True)
    group = models.ForeignKey(
        FailureGroup,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="bulk_runs",
        verbose_name=_("cause"),
    )
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    cancelled_by = models.CharField(_("cancelled by"), max_length=150, blank=True)
    leased_until = models.DateTimeField(_("leased until"), null=True, blank=True)

    objects = BulkRunQuerySet.as_manager()

    # Only on rows from `with_progress()`:
    asked_for: int
    done: int

    class Meta:
        verbose_name = _("bulk run")
        verbose_name_plural = _("bulk runs")
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(action__in=BulkAction.values), name="bulk_run_action_is_known"
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True, cancelled_by="")
                | Q(cancelled_at__isnull=False) & ~Q(cancelled_by=""),
                name="bulk_run_is_cancelled_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        asked_at = timezone.localtime(self.asked_at)
        return f"{self.get_action_display()} · {asked_at:%Y-%m-%d %H:%M}"

    @property
    def is_over(self) -> bool:
        return self.finished_at is not None or self.cancelled_at is not None

    def list_items(self, failures: SyncFailureQuerySet) -> None:
        """Write down what it is about: once more where one was deleted meanwhile (`trim()`)."""
        seen = failures.order_by("pk").values_list("pk", "contact_phone", "last_seen_at")
        for race in range(MAX_RACES):
            items = [
                BulkItem(run=self, failure_id=pk, contact_phone=phone, seen_at=when)
                for pk, phone, when in seen.all()
            ]
            try:
                BulkItem.objects.bulk_create(items, batch_size=BATCH_SIZE)
                return
            except IntegrityError:
                if race == MAX_RACES - 1:
                    raise

    def results(self) -> dict[str, int]:
        """How many failures came to which `BulkResult`; blank: still to do."""
        return dict(self.items.order_by().values_list("result").annotate(Count("pk")))

    def cancel(self, *, by: str) -> bool:
        """Leave the rest; what is done stays done. False if it was over already."""
        return bool(self._unfinished().update(cancelled_at=timezone.now(), cancelled_by=by))

    def keep(self) -> bool:
        """Show a sign of life while working; False once it is cancelled."""
        return bool(self._unfinished().update(leased_until=Now() + LEASE))

    def give_back(self) -> None:
        BulkRun.objects.filter(pk=self.pk).update(leased_until=None)

    def finish(self) -> None:
        self._unfinished().update(finished_at=Now(), leased_until=None)

    def to_do(self) -> "QuerySet[BulkItem]":
        return self.items.filter(result="").order_by("pk")

    def _unfinished(self) -> BulkRunQuerySet:
        return BulkRun.objects.filter(pk=self.pk).unfinished()


class BulkItem(models.Model):
    """One failure of a bulk run, and what became of it."""

    run = models.ForeignKey(BulkRun, models.CASCADE, related_name="items")
    failure = models.ForeignKey(SyncFailure, models.SET_NULL, null=True, related_name="bulk_items")
    contact_phone = models.CharField(_("phone"), max_length=16, blank=True)
    seen_at = models.DateTimeField(_("last seen when chosen"))
    result = models.CharField(_("result"), max_length=13, choices=BulkResult, blank=True)
    worked_at = models.DateTimeField(_("worked"), null=True, blank=True)

    class Meta:
        verbose_name = _("item of a bulk run")
        verbose_name_plural = _("items of a bulk run")
        constraints = [
            models.CheckConstraint(
                condition=Q(result="", worked_at__isnull=True)
                | Q(result__in=BulkResult.values, worked_at__isnull=False),
                name="bulk_item_result_goes_with_its_time",
            ),
        ]
        indexes = [
            # "What is left to do?"
            models.Index(fields=["run", "id"], condition=Q(result=""), name="bulk_item_to_do"),
        ]

    def __str__(self) -> str:
        return f"#{self.failure_id}"
