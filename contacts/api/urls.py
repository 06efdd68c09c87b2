from django.urls import re_path

from contacts.api.assign import AssignView
from contacts.api.changes import ChangesView
from contacts.api.digest import DigestView
from contacts.api.follow_up import FollowUpView
from contacts.api.stats import StatsView
from contacts.api.timeline import TimelineView
from contacts.api.today import TodayView
from contacts.api.views import ChatView, LeadViews
from contacts.api.writes import NotesView, StatusView

urlpatterns = [
    re_path(r"^leads/today/?$", TodayView.as_view(), name="today"),
    re_path(r"^leads/?$", LeadViews.as_view({"get": "list"}, detail=False), name="leads"),
    re_path(r"^leads/(?P<pk>[0-9]{1,18})/chat/?$", ChatView.as_view(), name="chat"),
    re_path(r"^leads/changes/?$", ChangesView.as_view(), name="lead-changes"),
    re_path(r"^leads/digest/?$", DigestView.as_view(), name="lead-digest"),
    re_path(r"^leads/stats/?$", StatsView.as_view(), name="lead-stats"),
    re_path(r"^leads/(?P<pk>[0-9]{1,18})/timeline/?$", TimelineView.as_view(), name="timeline"),
    re_path(r"^leads/(?P<pk>[0-9]{1,18})/status/?$", StatusView.as_view(), name="lead-status"),
    re_path(r"^leads/(?P<pk>[0-9]{1,18})/notes/?$", NotesView.as_view(), name="lead-notes"),
    re_path(r"^leads/(?P<pk>[0-9]{1,18})/assign/?$", AssignView.as_view(), name="lead-assign"),
    re_path(r"^leads/(?P<pk>[0-9]{1,18})/follow-up/?$", FollowUpView.as_view(), name="follow-up"),
    re_path(
        r"^leads/(?P<pk>[0-9]+)/?$",
        LeadViews.as_view({"get": "retrieve"}, detail=True),
        name="lead",
    ),
]
