"""Root URL configuration."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from leadsync.admin import invite, live, me, palette
from leadsync.admin.passwords import ChooseView, ForgottenView, OwnView, SentView
from leadsync.admin.second_factor import second_step
from leadsync.api.errors import json_or_page, not_found
from leadsync.dashboard import checklist, strangers
from monitoring.api.metrics import MetricsView
from monitoring.api.probes import healthz, readyz
from sarah.api.views import StateView
from sarah.api.webhooks import KapsoView

api: list[URLPattern | URLResolver] = [
    path("", include("contacts.api.urls")),
    path("", include("sarah.api.urls")),
    path("", include("monitoring.api.urls")),
    re_path(r"^schema/?$", SpectacularAPIView.as_view(), name="schema"),
    re_path(
        r"^docs/?$",
        SpectacularSwaggerSplitView.as_view(http_method_names=["get", "head"]),
        name="docs",
    ),
]

own = admin.site.admin_view
people: list[URLPattern | URLResolver] = [
    path("admin/people/invite/", own(invite.page), name="invite"),
    path("admin/people/invite/<int:pk>/resend/", own(invite.resend), name="invite-resend"),
    path("admin/me/", own(me.page), name="me"),
    path("admin/me/takes-leads/", own(me.take_leads), name="takes-leads"),
    path("admin/me/log-out-elsewhere/", own(me.log_out_everywhere_else), name="log-out-elsewhere"),
    path("admin/me/second-factor/", own(me.set_up), name="second-factor"),
    path("admin/me/second-factor/codes/", own(me.new_codes), name="second-factor-codes"),
    path("admin/me/second-factor/off/", own(me.switch_off), name="second-factor-off"),
    path("admin/password_change/", own(OwnView.as_view()), name="own-password"),
    path("admin/login/code/", second_step, name="second-step"),
    path("admin/password/", ForgottenView.as_view(), name="admin_password_reset"),
    path("admin/password/sent/", SentView.as_view(), name="forgotten-sent"),
    path("admin/password/<uidb64>/<token>/", ChooseView.as_view(), name="password_reset_confirm"),
]

home = RedirectView.as_view(pattern_name="admin:index")

urlpatterns = [
    # First, because patterns are tried in turn. Both answer directly: a redirect to the slash would
    # lose the POST.
    path("sarah/state", StateView.as_view(), name="state"),
    path("sarah/state/", StateView.as_view(schema=None)),
    path("", home),
    path(
        "admin/strangers/<int:pk>/add/",
        admin.site.admin_view(strangers.add),
        name="strangers-add",
    ),
    path(
        "admin/strangers/<int:pk>/add-always/",
        admin.site.admin_view(strangers.add_always),
        name="strangers-add-always",
    ),
    re_path(r"^admin/(?:auth|contacts|leadsync|monitoring|sarah)/$", home),  # no lists of lists
    path("admin/live/home/", admin.site.admin_view(live.home), name="live-home"),
    path("admin/live/", admin.site.admin_view(live.badges), name="live-badges"),
    path("admin/palette/", admin.site.admin_view(palette.search), name="palette"),
    path(
        "admin/checklist/dismiss/",
        admin.site.admin_view(checklist.dismiss),
        name="checklist-dismiss",
    ),
    *people,
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),  # the language switch
    re_path(r"^webhooks/kapso/(?P<slug>[-\w]{1,50})/?$", KapsoView.as_view(), name="kapso"),
    path("api/v1/", include(api)),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", MetricsView.as_view(schema=None)),
    re_path(r"^(?:api|sarah|webhooks)(?:/|$)", not_found),
]

handler400 = json_or_page(400, "The request is invalid.", "bad_request")
handler403 = json_or_page(403, "This is not allowed.", "permission_denied")
handler404 = json_or_page(404, "There is nothing at this address. Check the path.", "not_found")
handler500 = json_or_page(500, "Something went wrong on our side. It has been logged.", "error")
