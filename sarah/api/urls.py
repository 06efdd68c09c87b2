from django.urls import re_path

from sarah.api.conversations import ConversationViews, MessagesView

urlpatterns = [
    re_path(
        r"^conversations/?$",
        ConversationViews.as_view({"get": "list"}, detail=False),
        name="conversations",
    ),
    re_path(
        r"^conversations/(?P<pk>[0-9]{1,18})/?$",
        ConversationViews.as_view({"get": "retrieve"}, detail=True),
        name="conversation",
    ),
    re_path(
        r"^conversations/(?P<pk>[0-9]{1,18})/messages/?$",
        MessagesView.as_view(),
        name="conversation-messages",
    ),
]
