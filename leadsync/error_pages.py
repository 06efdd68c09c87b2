"""What people see where a page cannot be shown."""

import sys
from datetime import timedelta
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from leadsync.infra.db import is_unavailable
from leadsync.infra.requests import request_id


class ErrorPage(NamedTuple):
    title: Promise
    advice: Promise | str
    may_pass: bool = False
    """Whether the same page may be there a moment later."""


PAGES = {
    400: ErrorPage(
        _("This request cannot be read"),
        _("The address or what was sent with it is not usable. Go back and try it once more."),
    ),
    403: ErrorPage(
        _("This is not for your role"),
        _("Your account may not open this page. Ask whoever runs LeadSync here for access."),
    ),
    404: ErrorPage(
        _("Nothing is here"),
        _("The address is mistyped, or what was here has been deleted, merged or moved."),
    ),
    413: ErrorPage(
        _("This is too large"),
        _("Nothing was saved. Send less at once: divide the file, or shorten the text."),
    ),
    429: ErrorPage(
        _("Too many tries"),
        _(
            "So that nobody guesses or floods, there is a limit. Wait an hour at most, then try "
            "again."
        ),
    ),
    500: ErrorPage(
        _("Something went wrong on our side"),
        _("It has been logged. Nothing was saved by halves: go back and try again."),
        may_pass=True,
    ),
    503: ErrorPage(
        _("The database cannot be reached"),
        _(
            "Messages from Sarah are kept meanwhile: none is lost. What you were saving is not "
            "saved yet: try again in a moment."
        ),
        may_pass=True,
    ),
}
TOO_OLD = ErrorPage(
    _("This page was open for too long"),
    _("Nothing was saved. Go back, reload the page, and send it again."),
)


def error_page(
    request: HttpRequest,
    status: int,
    page: ErrorPage | None = None,
    *,
    wait: timedelta | None = None,
) -> HttpResponse:
    """Render the page of an error. It asks no database and no session: these may be what broke."""
    error = sys.exception()
    if status == 500 and error is not None and is_unavailable(error):
        status = 503
    about = {
        "page": page or PAGES[status],
        "again": request.get_full_path() if request.method == "GET" else "",
        "request_id": request_id.get(),
    }
    with translation.override(translation.get_language_from_request(request)):
        shown = HttpResponse(render_to_string("leadsync/error.html", about), status=status)
    if wait:
        shown.headers["Retry-After"] = str(int(wait.total_seconds()))
    return shown


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's view for a form without a valid token, mostly one that was open over a log-out."""
    return error_page(request, 403, TOO_OLD)
