"""Admin pages of API keys: making them, what they may do, when they were used, and revoking."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from leadsync.admin.actions import confirm_selection, dialog, dialog_action, is_confirmed
from leadsync.admin.connect import ConnectViews
from leadsync.admin.filters import KeyStateFilter, WorkspaceFilter
from leadsync.admin.html import NOTHING, ago, as_link, list_url, pill
from leadsync.admin.key_form import KeyForm
from leadsync.admin.key_health import Lately, health_of, lately
from leadsync.admin.lists.change_list import ChangeList
from leadsync.admin.lists.table import TwoLines
from leadsync.admin.tools import column, computed, holds
from leadsync.bots import BotError, issue_scoped_key
from leadsync.infra.visible import reach_of
from leadsync.keys import digest
from leadsync.models import ApiKey, ApiKeyQuerySet, Scope
from monitoring.limits import MAX_FAILURE_PERCENT

WILL_REVOKE = _(
    "From now on the bot is refused with this key, for good: a revoked key never works again. "
    "What the bot sends with it is not saved, but recorded as a failure so that somebody notices."
)


class KeyList(ChangeList):
    """Counts the messages of all keys of the page together."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        found = lately(key.pk for key in self.result_list)
        for key in self.result_list:
            key.lately = found.get(key.pk, Lately())


@admin.register(ApiKey)
class ApiKeyAdmin(ConnectViews):
    form = KeyForm
    list_display = (
        "bot",
        "begins",
        "may",
        "for_workspace",
        "last_message",
        "failing",
        "expires",
        "status",
    )
    list_display_links = ("bot",)
    on_phone = TwoLines(who="bot", told="may", mark="status", when="last_message")
    list_filter = (KeyStateFilter, ("workspace", WorkspaceFilter))
    list_select_related = ("user", "workspace")
    list_before_template = "leadsync/key_hint.html"
    search_fields = ("user__username", "prefix")
    search_help_text = _("Bot's name, or how the key begins")
    ordering = ("-created_at", "-pk")
    readonly_fields = (
        *("bot", "begins", "may", "for_workspace", "created", "last_used"),
        *("expires", "status", "heard", "last_messages"),
    )
    change_form_before_template = "leadsync/key_hint.html"
    actions = ("revoke",)
    actions_detail = ("revoke_this",)

    bot = computed(_("bot"), lambda key: key.user.get_username(), ordering="user__username")
    begins = column("prefix", _("begins with"), partial(format_html, "<code>{}…</code>"))

    @display(description=_("may"))
    def may(self, key: ApiKey) -> SafeString:
        labels = [Scope(scope).label for scope in key.scopes.split()]
        return format_html('<span class="ls-list">{}</span>', " · ".join(map(str, labels)))

    for_workspace = column("workspace", _("workspace"), empty=_("All"))
    created = column("created_at", _("created"), ago, sortable=True)
    last_used = column("last_used_at", _("last used"), ago, sortable=True, empty=_("Never"))
    expires = column("expires_at", _("expires"), ago, sortable=True, empty=_("Never"))

    @display(description=_("status"))
    def status(self, key: ApiKey) -> SafeString:
        if key.revoked_at:
            return format_html("{} {}", pill(_("Revoked"), "danger"), ago(key.revoked_at))
        if key.expires_at and key.expires_at <= timezone.now():
            return pill(_("Expired"), "warning")
        if not key.user.is_active:
            return pill(_("Bot switched off"), "warning")
        return pill(_("Valid"), "success")

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[ChangeList]:
        return KeyList

    @display(description=_("last message"))
    def last_message(self, key: Any) -> object:
        if key.lately.last_at:
            return ago(key.lately.last_at)
        return _("Not for 24 hours") if key.last_used_at else _("Never")

    @display(description=_("failing"))
    def failing(self, key: Any) -> SafeString | str:
        now: Lately = key.lately
        if not now.messages:
            return NOTHING
        told = _("%(failed)d of %(messages)d") % {"failed": now.failed, "messages": now.messages}
        colour = "danger" if now.percent > MAX_FAILURE_PERCENT else "success"
        return format_html("{} {}", pill(f"{now.percent} %", colour), told)

    @display(description=_("first message"))
    def heard(self, key: ApiKey) -> SafeString:
        context = {"key": key, "health": health_of(key)}
        return render_to_string("leadsync/key_heard.html", context)

    @display(description=_("last messages"))
    def last_messages(self, key: ApiKey) -> SafeString:
        return as_link(list_url("sarah_stateupdate", key=key.pk), _("Show what came with this key"))

    # Making, narrowing and widening

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        rights = ("scopes", "workspace", "expires_at")
        if obj is None:
            return ("bot_name", *rights)
        if self.has_change_permission(request, obj):
            known = ("created", "last_used", "status", "heard", "last_messages")
            return ("bot", "begins", *rights, *known)
        return self.readonly_fields

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_foreignkey(db_field, request, **kwargs)
        field.required = not reach_of(request.user).is_everything  # a key for all reads all
        field.empty_label = None if field.required else _("All")
        return field

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """A revoked key stays as it was: it tells what could be done with it."""
        return super().has_change_permission(request, obj) and not (obj and obj.revoked_at)

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except BotError:
            # Somebody has just made the last key of this bot: by now the form can say so.
            return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: KeyForm, change: bool) -> None:
        if change:
            obj.save(update_fields=form.changed_data)  # it may be revoked at this moment
            return
        secret = issue_scoped_key(
            form.cleaned_data["bot_name"],
            scopes=obj.scopes.split(),
            workspace=obj.workspace,
            expires_at=obj.expires_at,
        )
        vars(obj).update(vars(ApiKey.objects.get(digest=digest(secret))), secret=secret)

    def response_add(self, request: HttpRequest, obj: ApiKey, *args: Any) -> HttpResponse:
        """Show the key, this once: no redirect may carry it."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("The new key"),
            "opts": self.opts,
            "key": obj,
            "secret": vars(obj)["secret"],
        }
        return TemplateResponse(request, "leadsync/new_key.html", context)

    # Revoking

    has_revoke_permission = holds("leadsync.revoke_apikey")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer no action on a key that is already revoked."""
        key = self.get_object(request, str(object_id))
        if key is None or key.revoked_at:
            return []
        return super().get_actions_detail(request, object_id)

    @action(description=_("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, api_keys: ApiKeyQuerySet) -> HttpResponse | None:
        if is_confirmed(request):
            self._revoke(request, api_keys)
            return None
        return confirm_selection(
            self,
            request,
            api_keys,
            dialog(_("Revoke these keys?"), WILL_REVOKE, button=_("Revoke"), destroys=True),
            action="revoke",
        )

    @dialog_action(
        description=_("Revoke"),
        permissions=["revoke"],
        url_path="revoke",
        icon="key_off",
        variant=ActionVariant.DANGER,
        dialog=dialog(_("Revoke this key?"), WILL_REVOKE, button=_("Revoke"), destroys=True),
    )
    def revoke_this(self, request: HttpRequest, form: Form, object_id: str) -> None:
        self._revoke(request, ApiKey.objects.filter(pk=object_id))

    def _revoke(self, request: HttpRequest, api_keys: ApiKeyQuerySet) -> None:
        for key in api_keys.filter(revoked_at__isnull=True):
            self.log_change(request, key, gettext_noop("Revoked."))
        count = api_keys.revoke()
        messages.success(request, ngettext("%d key revoked.", "%d keys revoked.", count) % count)
