from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SarahConfig(AppConfig):
    name = "sarah"
    verbose_name = _("Sarah")

    def ready(self) -> None:
        from sarah import rules, signals

        rules.check_status_map()
        signals.connect()
