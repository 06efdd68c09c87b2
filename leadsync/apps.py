from django.apps import AppConfig


class LeadSyncConfig(AppConfig):
    name = "leadsync"
    verbose_name = "LeadSync"

    def ready(self) -> None:
        from leadsync import checks  # noqa: F401 (registers the deploy checks)
