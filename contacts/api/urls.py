from django.urls import re_path

from contacts.api.today import TodayView
from contacts.api.views import ChatView, LeadViews

urlpatterns = [
    re_path(r"^leads/today/?$", TodayView.as_view(), name="today"),
    re_path(r"^leads/?$", LeadViews.as_view({"get": "list"}, detail=False), name="leads"),
    re_path(r"^leads/(?P<pk>[0-9]{1,18})/chat/?$", ChatView.as_view(), name="chat"),
    re_path(
        r"^leads/(?P<pk>[0-9]+)/?$",
        LeadViews.as_view({"get": "retrieve"}, detail=True),
        name="lead",
    ),
]
