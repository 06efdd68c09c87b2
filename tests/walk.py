"""Walks all addresses of the site by itself, with rows of two workspaces that look the same."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Model
from django.http import HttpResponse
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from contacts.admin.desk.columns import COLUMNS
from contacts.admin.desk.tabs import TABS
from contacts.models import (
    AddressChange,
    ChatMark,
    ChatMessage,
    Contact,
    MarketingWord,
    Merge,
    SavedView,
    Workspace,
)
from leadsync.bots import issue_scoped_key
from leadsync.infra.visible import VisibleQuerySet
from leadsync.models import ApiKey, Scope
from monitoring.models import (
    Alert,
    AlertDelivery,
    AlertSettings,
    NotificationPreferences,
    RefusedBody,
    SyncFailure,
)
from sarah.models import KapsoDelivery, KapsoFeed, SarahState
from tests.factories import (
    CauseFactory,
    ContactFactory,
    MessageFactory,
    SarahStateFactory,
    SyncFailureFactory,
    UserFactory,
    WorkspaceFactory,
)

PHONES = ("+6281299988877", "+6281299988878")
NOT_FREE = re.compile(
    r"phone|wamid|digest|user_id$|_by$|fingerprint|workspace_ref|subject|former|idempotency|recipient"
)
"""Columns that are no free text."""

Rows = dict[type[Model], Model]


def belonging() -> list[type[Model]]:
    """The models whose rows belong to workspaces."""
    managers = [model._default_manager.all() for model in apps.get_models()]
    return [rows.model for rows in managers if isinstance(rows, VisibleQuerySet)]


def plant(slug: str, word: str, *, member: User | None = None) -> Rows:
    """A workspace with a row of each kind; `word` in all columns that are free text."""
    worker = UserFactory(username=f"worker-{word}", last_name=word, workspaces=[])
    home = WorkspaceFactory(slug=slug, name=word, members=[worker, *([member] if member else [])])
    leads = [
        ContactFactory(workspace=home, phone=phone, assigned_to=worker, lead_score=90)
        for phone in PHONES
    ]
    rows = [*_of_lead(leads[0], home), *_of_bot(home, word), *_of_alerts(home, word)]
    SavedView.objects.create(owner=worker, name=word, shared_in=home)
    Merge.objects.create(survivor=leads[0], absorbed={}, before={}, after={})
    suggested = apps.get_model("contacts.MergeSuggestion").objects
    suggested.suggest(*leads)
    rows += [home, *leads, worker, home.memberships.get(user=worker), suggested.latest("pk")]
    rows.append(Merge.objects.latest("pk"))
    rows.append(
        NotificationPreferences.objects.create(user=worker, webhook_url=f"https://{word}.co")
    )
    for row in rows:
        type(row)._base_manager.filter(pk=row.pk).update(**_filled(row, word))
    return {type(row): row for row in rows}


def _of_lead(lead: Contact, home: Workspace) -> list[Model]:
    now, wamid = timezone.now(), f"wamid.{home.slug}"
    Contact.objects.filter(pk=lead.pk).update(
        lead_status="contacted",
        lead_temperature="hot",
        handed_over_at=now - timedelta(hours=2),
        answer_by=now - timedelta(hours=1),
    )
    return [
        lead.notes.create(text="", author="ani"),
        lead.status_changes.create(from_status="new", to="contacted", by="sarah-bot"),
        lead.assignments.create(to_name=home.name, by="ani", actor_kind="person"),
        lead.edits.create(field="goals", old="", new=home.name, by="ani"),
        lead.follow_ups.create(text="", due_at=now - timedelta(hours=1), created_by="ani"),
        ChatMessage.objects.create(
            workspace=home, wamid=wamid, contact_phone=lead.phone, author="lead", sent_at=now
        ),
        ChatMark.objects.create(workspace=home, wamid=wamid, status="read"),
        AddressChange.objects.create(workspace=home, former="ID.Before", phone=lead.phone),
        MarketingWord.objects.create(workspace=home, contact_phone=lead.phone, is_stopped=True),
    ]


def _of_bot(home: Workspace, word: str) -> list[Model]:
    issue_scoped_key(f"bot-{word}", scopes=list(Scope), workspace=home)
    key = home.api_keys.get()
    state = SarahStateFactory(workspace=home, contact_phone=PHONES[0], state="handoff")
    SarahStateFactory(workspace=home, contact_phone="+6281299988879")  # a stranger
    SarahState.objects.filter(workspace=home, contact_phone="+6281299988879").update(
        extracted_data={"told": word}
    )
    cause = CauseFactory(kind="sync_error", exception="ValueError", function="save")
    failure = SyncFailureFactory(
        workspace_ref=home.slug, state=state, contact_phone=PHONES[0], group=cause
    )
    refused = SyncFailureFactory(
        workspace_ref=home.slug, kind="rejected_payload", contact_phone="", fingerprint=f"key {key}"
    )
    SyncFailure.objects.filter(pk=refused.pk).update(error=word, payload={"body": word})
    body = RefusedBody.objects.create(
        key=key, failure=refused, refusal="body", digest=home.slug, body=word.encode(), error=word
    )
    delivery = KapsoDelivery.objects.create(workspace=home, idempotency_key="one", body="")
    feed = KapsoFeed.objects.create(workspace=home)
    message = MessageFactory(state=state, key=key, failure_group=cause, outcome="sync_error")
    own_cause = CauseFactory(kind="sync_error", exception=word, function="save")
    SyncFailureFactory(
        workspace_ref=home.slug, contact_phone=PHONES[1], group=own_cause, error=word
    )
    return [key, state, failure, own_cause, body, delivery, feed, message]


def _of_alerts(home: Workspace, word: str) -> list[Model]:
    settings = AlertSettings.objects.create(workspace=home, emails=[f"{word}@example.com"])
    alert = Alert.objects.create(cause="flood", subject=home.slug, workspace=home)
    told = AlertDelivery.objects.create(
        settings=settings, alert=alert, event="raised", channel="email", recipient=f"{word}@b.co"
    )
    return [settings, alert, told]


def _filled(row: Model, word: str) -> dict[str, Any]:
    """The word for each free column of a row."""
    columns: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        is_free = not (field.choices or field.unique or NOT_FREE.search(field.name))
        is_free &= not isinstance(row, NAMED)
        if isinstance(field, models.CharField | models.TextField) and is_free:
            columns[field.name] = word[: field.max_length or 200]
        elif isinstance(field, models.JSONField) and field.name in TOLD:
            columns[field.name] = [word] if field.default is list else {"told": word}
    return columns


NAMED = (User, Workspace, ApiKey, KapsoFeed, AlertSettings)
"""These have the word where they have one, from the beginning."""
TOLD = ("extracted_data", "payload", "absorbed", "pain_points", "tags", "warnings")


def addresses(patterns: Any = None, before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """All addresses of the site, with names in braces for what varies."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        route = str(one.pattern)
        route = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", route))
        route = before + re.sub(r"^\^|\$$|/\?\$?$", "", route.replace("(?:/|$)", "/"))
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns, route)
        else:
            yield route, one


def model_of(address: str) -> type[Model] | None:
    """The model whose rows an address names."""
    for model in admin.site._registry:
        if address.startswith(f"/admin/{model._meta.app_label}/{model._meta.model_name}/"):
            return model
    others = {
        "/admin/strangers/": Workspace,
        "/api/v1/leads/": Contact,
        "/api/v1/conversations/": SarahState,
        "/api/v1/sync-failures/": SyncFailure,
    }
    return next((model for start, model in others.items() if address.startswith(start)), None)


def filled_in(address: str, rows: Rows) -> str | None:
    """The address of this row of its model; None if it names no row of these."""
    model = model_of(address)
    if "{" not in address or model not in rows:
        return None
    return re.sub(r"\{\w+\}", str(rows[model].pk), address)


VARIES = re.compile(
    r'name="csrfmiddlewaretoken" value="\w+"|nonce="?[^" ]+|X-CSRFToken[^}]+|'
    r"<code>[0-9a-f]{32}</code>|"
    r'<div class="ls-qr".*?</code>|"(?:request_id|next|since|cursor)": ?"[^"]+"',
    re.DOTALL,
)


def as_seen(answer: Any) -> str:
    """What a person sees of an answer, without what differs each time."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return f"{answer.status_code}\n{VARIES.sub('', body.decode(errors='replace'))}"


def paths_of(app: str) -> Iterator[str]:
    """The addresses of all pages that the admin has for an app's models, found by themselves."""
    if app == "leadsync":
        yield from map(reverse, ("admin:index", "invite", "me", "second-factor"))
        yield f"{reverse('admin:index')}?view=operation"
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label != app:
            continue
        row = model._default_manager.order_by("pk").first()
        for pattern in model_admin.urls:
            if (pattern.name or "").endswith("_history") and model is not ApiKey:
                continue  # they look the same
            for args in ([], [row.pk] if row else []):
                if path := path_of(pattern, args):
                    yield path


def path_of(pattern: URLPattern, args: list[Any]) -> str:
    try:
        return reverse(f"admin:{pattern.name}", args=args) if pattern.name else ""
    except NoReverseMatch:
        return ""


def is_page(answer: HttpResponse) -> bool:
    is_html = answer.headers.get("Content-Type", "").startswith("text/html")
    return answer.status_code == 200 and is_html and b"<html" in answer.content


APPS = ("leadsync", "contacts", "sarah", "monitoring", "auth")


def all_pages() -> Iterator[str]:
    """The admin's pages of all apps, and each way to sort, to search and to show the leads."""
    for app in APPS:
        yield from paths_of(app)
    yield "/admin/live/home/"
    leads = reverse("admin:contacts_contact_changelist")
    for name in TABS:
        yield f"{leads}?tab={name}"
    for name, column in COLUMNS.items():
        if column.is_indexed:
            yield from (f"{leads}?o={name}", f"{leads}?o=-{name}")
    for model, page in admin.site._registry.items():
        if page.search_fields:
            start = f"/admin/{model._meta.app_label}/{model._meta.model_name}/?q="
            yield from (f"{start}{typed}" for typed in ("0812", "%2B6281200012345", "lead", "kopi"))
    yield from (f"/admin/palette/?q={typed}" for typed in ("0812", "budi"))
