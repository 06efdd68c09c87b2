"""Deployment checks: whether alerts can be sent, and lead somewhere, and who is believed."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import Error

from monitoring.alerts.deliver import has_no_mail_server
from monitoring.models import AlertSettings


@checks.register(deploy=True)
def check_alerts(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Warn of missing settings once alerts are on: the database says so, if it is there."""
    try:
        told = [one for one in AlertSettings.objects.filter(is_active=True) if one.recipients()]
    except Error:
        return []
    return list(_warnings(told))


@checks.register(deploy=True)
def check_proxy(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Name what only the proxy can ensure, unless it knows a secret.

    To WSGI a request with X_Forwarded_For beside the proxy's own header is the same, byte for byte,
    as one in which the proxy says that: nothing here can tell them apart.
    """
    if not settings.LEADSYNC_TRUSTED_PROXIES or settings.LEADSYNC_PROXY_SECRET:
        return []
    return [
        checks.Info(
            "LEADSYNC_PROXY_SECRET is not set: whoever can send X_Forwarded_For through the proxy "
            "chooses the address that LeadSync sees.",
            hint="Set it here and at the proxy, as deploy/Caddyfile does (nginx: README), or "
            "let the proxy drop header names with underscores.",
            id="leadsync.I001",
        )
    ]


def _warnings(told: list[AlertSettings]) -> Iterator[checks.CheckMessage]:
    if told and not settings.LEADSYNC_SITE_URL:
        yield checks.Warning(
            "Alerts are on, but LEADSYNC_SITE_URL is not set: they carry no link.",
            hint="Set it to the address of this site, such as https://leads.example.com.",
            id="leadsync.W001",
        )
    if any(one.emails for one in told) and has_no_mail_server():
        yield checks.Warning(
            "Alerts by e-mail are on, but EMAIL_HOST is not set: none can be sent.",
            hint="Set EMAIL_HOST and, where the mail server wants them, EMAIL_HOST_USER, "
            "EMAIL_HOST_PASSWORD and DEFAULT_FROM_EMAIL.",
            id="leadsync.W002",
        )
