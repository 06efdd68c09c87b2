"""Unfold's settings: how the admin looks."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "LeadSync",
    "SITE_HEADER": "LeadSync",
    "SITE_SUBHEADER": _("Leads from WhatsApp"),
    "SITE_SYMBOL": "sync",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda _request: static("leadsync/icon.svg"),
        }
    ],
    "SITE_URL": "",  # the admin is the site
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_HISTORY": False,  # leads, failures and alerts have histories of their own
    "SHOW_LANGUAGES": True,
    "STYLES": [
        lambda _request: static("leadsync/admin.css"),
        lambda _request: static("leadsync/shell.css"),
    ],
    "ACCOUNT": {
        "navigation": [
            {"title": _("My account"), "link": reverse_lazy("me")},
            {"title": _("Change password"), "link": reverse_lazy("admin:password_change")},
        ]
    },
    "SCRIPTS": [
        lambda _request: static("leadsync/dialog.js"),
        lambda _request: static("leadsync/palette.js"),
        lambda _request: static("leadsync/keys.js"),
        lambda _request: static("leadsync/live.js"),
    ],
    "DASHBOARD_CALLBACK": "leadsync.dashboard.page.dashboard",
    "SIDEBAR": {"navigation": "leadsync.admin.navigation.navigation"},
    "BORDER_RADIUS": "8px",
    "COLORS": {
        # Teal; white text is readable on 600 and darker.
        "primary": {
            "50": "oklch(98.4% .014 180.7)",
            "100": "oklch(95.3% .051 180.8)",
            "200": "oklch(91% .096 180.4)",
            "300": "oklch(85.5% .138 181.1)",
            "400": "oklch(77.7% .152 181.9)",
            "500": "oklch(60% .118 184.7)",
            "600": "oklch(51.1% .096 186.4)",
            "700": "oklch(43.7% .078 188.2)",
            "800": "oklch(38.6% .063 188.4)",
            "900": "oklch(33% .055 190)",
            "950": "oklch(27.7% .046 192.5)",
        }
    },
}
