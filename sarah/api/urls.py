from django.urls import re_path

from sarah.api.health import SyncHealthView

urlpatterns = [re_path(r"^sync-health/?$", SyncHealthView.as_view(), name="sync-health")]
