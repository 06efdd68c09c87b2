from django.apps import AppConfig


class LeadSyncConfig(AppConfig):
    name = "leadsync"
    verbose_name = "LeadSync"
