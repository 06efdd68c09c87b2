"""`/webhooks/kapso/<workspace>/`: what Kapso or Meta sends."""

import hmac
import logging
import time
from collections import Counter

from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from leadsync.api.errors import refusal
from leadsync.infra.bodies import BodyTooLarge, read_body
from leadsync.infra.db import LOST
from leadsync.infra.waits import one_deadline
from monitoring.errors import frames
from sarah.kapso.receive import MAX_BODY, receive
from sarah.kapso.signatures import is_signed
from sarah.models import KapsoFeed

logger = logging.getLogger(__name__)

WAITS_END_AFTER = 0.8
"""Seconds: what somebody else holds until then, Kapso sends again, or the worker works."""
COUNTED_EVERY = 5.0
"""Seconds in which a process writes down once how many it has refused: anybody may send here."""
_refused: Counter[int] = Counter()
_counted_at: dict[int, float] = {}


@method_decorator(csrf_exempt, name="dispatch")
class KapsoView(View):
    """Stores what comes, and answers 200 to whatever is signed: failures make Kapso pause."""

    http_method_names = ["get", "post"]

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            with one_deadline(WAITS_END_AFTER):
                return super().dispatch(request, *args, **kwargs)
        except BodyTooLarge as error:
            return refusal(str(error), "payload_too_large", 413)
        except LOST as error:
            logger.error("A delivery of Kapso's could not be stored: %s", frames(error))
            return refusal("The database cannot be reached. Send it again.", "unavailable", 503)

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Meta's handshake."""
        feed = KapsoFeed.objects.of(slug)
        token = request.GET.get("hub.verify_token", "")
        is_known = feed and hmac.compare_digest(token.encode(), feed.verify_token.encode())
        if not is_known or request.GET.get("hub.mode") != "subscribe":
            return refusal("The verify token is wrong.", "permission_denied", 403)
        return HttpResponse(request.GET.get("hub.challenge", ""), content_type="text/plain")

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        raw = read_body(request, limit=MAX_BODY)
        feed = KapsoFeed.objects.of(slug)
        if feed is None or not is_signed(raw, request.headers, secrets=feed.valid_secrets()):
            _count_refused(feed)
            return refusal("The signature is missing or wrong.", "not_authenticated", 401)
        receive(feed, raw, request.headers)
        return JsonResponse({"success": True})


def _count_refused(feed: KapsoFeed | None) -> None:
    """Count it for the workspace's page: at once, but not more than once in a few seconds."""
    if feed is None:
        return
    _refused[feed.pk] += 1
    now = time.monotonic()
    if now - _counted_at.get(feed.pk, -COUNTED_EVERY) < COUNTED_EVERY:
        return
    _counted_at[feed.pk] = now
    count = _refused.pop(feed.pk, 0)
    try:
        feed.refuse(count)
    except Error as error:
        _refused[feed.pk] += count
        logger.warning("What was refused could not be counted: %s", frames(error))
