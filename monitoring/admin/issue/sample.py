"""One failure as it came in: what was sent, the error, the traceback; with its neighbours."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from leadsync.admin.filters import row_id
from monitoring.admin.details import pretty
from monitoring.models import SyncFailure, SyncFailureQuerySet
from monitoring.sentences import in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    failure: SyncFailure
    error: str
    payload: str
    number: int
    total: int
    newer: str = ""
    older: str = ""
    """Addresses of its neighbours."""


def sample_of(request: HttpRequest, failures: SyncFailureQuerySet) -> Sample | None:
    """Return the failure that the page's address asks for, or the newest."""
    newest_first = failures.select_related("state").order_by("-last_seen_at", "-pk")
    total = failures.count()
    number = min(max(row_id(request.GET.get("sample")), 1), max(total, 1))
    failure = next(iter(newest_first[number - 1 : number]), None)
    if failure is None:
        return None
    return Sample(
        failure=failure,
        error=in_words(failure.error),
        payload=pretty(failure.payload),
        number=number,
        total=total,
        newer=f"?sample={number - 1}" if number > 1 else "",
        older=f"?sample={number + 1}" if number < total else "",
    )


def neighbours_of(failure: SyncFailure, failures: SyncFailureQuerySet) -> Sample:
    """Return it as a sample; its neighbours are the pages of those with the same cause."""
    pks = list(failures.order_by("-last_seen_at", "-pk").values_list("pk", flat=True))
    number = pks.index(failure.pk) + 1 if failure.pk in pks else 1
    return Sample(
        failure=failure,
        error=in_words(failure.error),
        payload=pretty(failure.payload),
        number=number,
        total=max(len(pks), 1),
        newer=_page(pks[number - 2]) if number > 1 else "",
        older=_page(pks[number]) if number < len(pks) else "",
    )


def _page(pk: int) -> str:
    return reverse("admin:monitoring_syncfailure_change", args=[pk])
