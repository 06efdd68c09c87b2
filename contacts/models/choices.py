"""What a lead may be like."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Temperature(models.TextChoices):
    HOT = "hot", _("Hot")
    WARM = "warm", _("Warm")
    LUKEWARM = "lukewarm", _("Lukewarm")
    COLD = "cold", _("Cold")


class Language(models.TextChoices):
    INDONESIAN = "id", _("Indonesian")
    ENGLISH = "en", _("English")
