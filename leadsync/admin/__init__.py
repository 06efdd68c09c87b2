"""Admin pages of API keys, users and roles, and what all admin pages share."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from leadsync.admin import second_factor
from leadsync.admin.accounts import UserAdmin
from leadsync.admin.keys import ApiKeyAdmin
from leadsync.admin.login import FailedLoginAdmin
from leadsync.admin.roles import GroupAdmin

__all__ = ["ApiKeyAdmin", "FailedLoginAdmin", "GroupAdmin", "UserAdmin"]

# Unfold's own admin/index.html comes first in the templates' search path.
admin.site.index_template = "leadsync/dashboard.html"
admin.site.index_title = _("Home")
