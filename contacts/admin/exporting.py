"""Bulk actions that export leads: the selected ones, or all that the list's filter shows."""

import logging
from tempfile import TemporaryFile
from typing import cast

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.exchange.files import CONTENT_TYPES, CSV, XLSX, csv_of, write_xlsx
from contacts.exchange.leaving import rows_of
from contacts.models import Contact, ContactQuerySet
from leadsync.admin.tools import ModelAdmin
from leadsync.infra.db import CAP, capped_count, shown_count

logger = logging.getLogger(__name__)


@admin.action(description=_("Export as CSV"), permissions=["export_leads"])
def export_csv(page: ModelAdmin, request: HttpRequest, leads: ContactQuerySet) -> HttpResponseBase:
    _log(request, leads, CSV)
    return StreamingHttpResponse(
        csv_of(rows_of(leads)), content_type=CONTENT_TYPES[CSV], headers=_as_file(CSV)
    )


@admin.action(description=_("Export for Excel (XLSX)"), permissions=["export_leads"])
def export_xlsx(
    page: ModelAdmin, request: HttpRequest, leads: ContactQuerySet
) -> HttpResponseBase | None:
    """Unlike CSV, it can only be sent once it is whole."""
    if capped_count(leads) > CAP:
        text = _("Nothing was exported: these are more than %d leads. Export them as CSV.")
        messages.error(request, text % CAP)
        return None
    _log(request, leads, XLSX)
    file = TemporaryFile()  # noqa: SIM115 (the answer closes it)
    write_xlsx(rows_of(leads), file)
    file.seek(0)
    return FileResponse(file, content_type=CONTENT_TYPES[XLSX], headers=_as_file(XLSX))


def _as_file(kind: str) -> dict[str, str]:
    name = f"leads-{timezone.localdate():%Y-%m-%d}.{kind}"
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _log(request: HttpRequest, leads: ContactQuerySet, kind: str) -> None:
    """Record who exported how many, and nothing of what."""
    count = shown_count(capped_count(leads))
    LogEntry.objects.create(
        user=cast(User, request.user),
        content_type=ContentType.objects.get_for_model(Contact),
        action_flag=CHANGE,
        change_message=f"Exported {count} leads as {kind.upper()}.",
    )
    logger.info("User %s exports %s leads as %s", request.user.pk, count, kind)
