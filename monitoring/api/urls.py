from django.urls import re_path

from monitoring.api.health import SyncHealthView
from monitoring.api.views import SyncFailureViews

urlpatterns = [
    re_path(r"^sync-health/?$", SyncHealthView.as_view(), name="sync-health"),
    re_path(
        r"^sync-failures/?$",
        SyncFailureViews.as_view({"get": "list"}, detail=False),
        name="sync-failures",
    ),
    re_path(
        r"^sync-failures/resolve/?$",
        SyncFailureViews.as_view({"post": "resolve_many"}, detail=False),
        name="sync-failures-resolve",
    ),
    re_path(
        r"^sync-failures/(?P<pk>[0-9]+)/?$",
        SyncFailureViews.as_view({"get": "retrieve"}, detail=True),
        name="sync-failure",
    ),
    re_path(
        r"^sync-failures/(?P<pk>[0-9]+)/resolve/?$",
        SyncFailureViews.as_view({"post": "resolve"}, detail=True),
        name="sync-failure-resolve",
    ),
    re_path(
        r"^sync-failures/(?P<pk>[0-9]+)/retry/?$",
        SyncFailureViews.as_view({"post": "retry"}, detail=True),
        name="sync-failure-retry",
    ),
]
