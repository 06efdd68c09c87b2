"""Who may call the API: a valid key with the right scope, in any of the usual headers."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from leadsync import keys
from leadsync.bots import issue_key
from leadsync.models import ApiKey, Scope
from monitoring.models import SyncFailure
from tests.bot import PHONE
from tests.callers import Caller
from tests.factories import SarahStateFactory, SyncFailureFactory, UserFactory, WorkspaceFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

PATH = f"/sarah/state?contact_phone={PHONE.replace('+', '')}"


@pytest.fixture
def key() -> str:
    return issue_key("sarah-bot", role="sarah")


def get(path: str = PATH, **headers: str):
    return Client(headers=headers).get(path)


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("Authorization", "Bearer {}"),
        ("Authorization", "bearer  {} "),
        ("Authorization", "Token {}"),
        ("X-API-Key", "{}"),
        ("x-api-key", " {} "),
    ],
)
def test_a_key_is_accepted_in_every_usual_header(key, header, form):
    assert get(**{header: form.format(key)}).status_code == 200


def test_a_key_beside_another_kind_of_authorization_is_accepted(key):
    assert get(**{"Authorization": "Basic c2FyYWg6eA==", "X-API-Key": key}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer junk"},
        {"Authorization": "Bearer " + "x" * 5_000},
        {"Authorization": "Basic c2FyYWg6eA=="},
        {"X-API-Key": ""},
        {"X-API-Key": keys.generate()},
        {"X-API-Key": "ls_\u00e9\u0000"},
    ],
)
@pytest.mark.parametrize("path", [PATH, "/sarah/state", "/sarah/state/", "/api/v1/leads"])
def test_a_key_that_is_missing_or_wrong_is_401_and_told_how_to_send_one(path, headers):
    answer = get(path, **headers)

    assert (answer.status_code, answer["Content-Type"]) == (401, "application/json")
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.json()["error"].endswith(".")
    if answer.json()["code"] == "not_authenticated":
        assert "X-API-Key" in answer.json()["error"]
    else:
        assert (answer.json()["code"], bool(headers)) == ("authentication_failed", True)


@pytest.mark.both_databases
def test_a_key_ends_when_it_is_revoked_expires_or_its_bot_is_switched_off(key):
    now = timezone.now()
    for revoked_at, expires_at, is_active, status in (
        (None, None, True, 200),
        (None, now + timedelta(hours=1), True, 200),
        (now, None, True, 401),
        (None, now, True, 401),
        (None, None, False, 401),
    ):
        ApiKey.objects.update(revoked_at=revoked_at, expires_at=expires_at)
        User.objects.update(is_active=is_active)
        assert get(**{"X-API-Key": key}).status_code == status


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("states:write", "GET", "/sarah/state/"),
        ("states:write", "POST", "/sarah/state/"),
        ("leads:read", "GET", "/api/v1/leads/"),
        ("leads:read", "GET", "/api/v1/leads/1/"),
        ("failures:read", "GET", "/api/v1/sync-failures/"),
        ("failures:read", "GET", "/api/v1/sync-failures/1/"),
        ("failures:write", "POST", "/api/v1/sync-failures/1/resolve/"),
        ("failures:write", "POST", "/api/v1/sync-failures/1/retry/"),
        ("failures:write", "POST", "/api/v1/sync-failures/resolve/"),
        ("failures:read", "GET", "/api/v1/sync-health/"),
        ("failures:read", "GET", "/metrics"),
    ],
)
def test_each_path_with_and_without_a_slash_needs_a_key_with_its_scope(scope, method, path):
    SyncFailureFactory(pk=1)
    spellings = (path, path.rstrip("/"))

    for spelling in spellings:
        unfit = Caller(*set(Scope.values) - {scope}).generic(method, spelling)
        assert Client().generic(method, spelling).status_code == 401
        assert (unfit.status_code, scope in unfit.json()["error"]) == (403, True)
    assert SyncFailure.objects.open().exists()
    for spelling in spellings:
        assert Caller(scope).generic(method, spelling).status_code in (200, 400, 404, 409)


@pytest.mark.parametrize("slug", ["default", "unheard-of", "soon"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/sarah/state?contact_phone=6281234567890&workspace_id={}"),
        ("GET", "/api/v1/leads/?workspace={}"),
        ("GET", "/api/v1/sync-failures/?workspace={}"),
        ("POST", "/api/v1/sync-failures/resolve/"),
        ("GET", "/api/v1/sync-health/?workspace={}"),
    ],
)
def test_a_bound_key_may_not_name_another_workspace_known_or_not(method, path, slug):
    bound = Caller(*Scope.values, workspace=WorkspaceFactory(slug="kopi-kita"))
    SarahStateFactory(workspace=None, workspace_ref="soon", contact_phone="+6281234567890")

    answer = bound.generic(
        method, path.format(slug), json.dumps({"workspace": slug}), "application/json"
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_a_person_who_is_logged_in_is_nobody_to_the_api(admin_client):
    admin_client.force_login(UserFactory(is_superuser=True))

    assert admin_client.get(PATH).status_code == 401


def test_the_use_of_a_key_is_noted(key):
    assert ApiKey.objects.get().last_used_at is None

    get(**{"X-API-Key": key})

    assert timezone.now() - ApiKey.objects.get().last_used_at < timedelta(minutes=1)


def test_a_failed_attempt_is_not_a_use(key):
    ApiKey.objects.update(revoked_at=timezone.now())

    get(**{"X-API-Key": key})

    assert ApiKey.objects.get().last_used_at is None


@pytest.mark.both_databases
def test_the_database_takes_no_scope_that_nobody_knows(key):
    for wrong in ("", "states", "states:write,leads:read", "states:write  leads:read", "all\n"):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiKey.objects.update(scopes=wrong)
