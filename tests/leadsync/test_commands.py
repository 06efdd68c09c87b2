"""`create_bot` and `revoke_bot_keys`"""

import subprocess
import sys

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from leadsync.models import ApiKey
from tests.factories import UserFactory, WorkspaceFactory
from tests.faults import database_away

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def create(capsys):
    """Runs create_bot and returns what it prints: the key and nothing else."""

    def run(name: str = "sarah-bot", *arguments: str, role: str = "sarah") -> str:
        capsys.readouterr()
        call_command("create_bot", name, "--role", role, *arguments)
        return capsys.readouterr().out

    return run


def status_for(key: str) -> int:
    client = Client(headers={"X-API-Key": key})
    return client.get("/sarah/state?contact_phone=6281234567890").status_code


def test_only_the_key_is_printed_and_it_opens_the_door(create):
    printed = create()

    assert printed.startswith("ls_")
    assert printed == printed.strip() + "\n"
    assert status_for(printed.strip()) == 200


def test_the_key_is_stored_as_a_digest_and_acts_as_a_bot_that_cannot_log_in(create):
    printed = create().strip()

    key = ApiKey.objects.get()
    assert printed not in str(ApiKey.objects.values().get())
    assert printed.startswith(key.prefix)
    assert (key.user.username, key.user.is_staff, key.user.is_superuser) == (
        "sarah-bot", False, False,
    )  # fmt: skip
    assert not key.user.has_usable_password()
    assert key.user.is_active


@pytest.mark.parametrize(
    ("role", "scopes"),
    [
        ("sarah", {"states:write"}),
        ("manager", {"leads:read", "leads:write", "failures:read"}),
        ("operator", {"failures:read", "failures:write"}),
    ],
)
def test_the_role_decides_what_the_key_may_do(create, role, scopes):
    create("grok-bot", role=role)

    assert set(ApiKey.objects.get().scopes.split()) == scopes


def test_a_key_may_be_bound_to_one_workspace(create):
    WorkspaceFactory(slug="kopi-kita")
    create()
    create("sarah-bot", "--workspace", "kopi-kita")

    bound = [key.workspace and key.workspace.slug for key in ApiKey.objects.order_by("pk")]
    assert bound == [None, "kopi-kita"]


def test_two_keys_of_a_bot_are_valid_at_once_and_a_third_is_refused(create):
    first, second = create().strip(), create().strip()
    with pytest.raises(CommandError, match="revoke_bot_keys"):
        create()
    create("other-bot")

    call_command("revoke_bot_keys", "sarah-bot", "--prefix", first[:10])
    third = create().strip()

    assert [status_for(key) for key in (first, second, third)] == [401, 200, 200]


@pytest.mark.parametrize(
    "person", [{}, {"is_staff": False}, {"password": None}, {"is_superuser": True}]
)
def test_the_name_of_a_person_is_refused(create, person):
    UserFactory(username="ani", **person)

    with pytest.raises(CommandError, match="person"):
        create("ani")

    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("name", ["", "Sarah Bot", "-x", "a\nb", "x" * 200])
def test_what_is_no_name_is_refused_and_leaves_no_account(create, name):
    with pytest.raises(CommandError):
        create(name)

    assert not User.objects.exists()


def test_a_role_or_workspace_that_does_not_exist_is_refused(create):
    for arguments in (["--role", "boss"], [], ["--role", "sarah", "--workspace", "nowhere"]):
        with pytest.raises(CommandError):
            call_command("create_bot", "sarah-bot", *arguments)

    assert not User.objects.exists()


def test_all_keys_of_a_bot_are_revoked_and_no_others(create, capsys):
    revoked, other = [create().strip(), create().strip()], create("other-bot").strip()

    call_command("revoke_bot_keys", "sarah-bot")

    assert [status_for(key) for key in (*revoked, other)] == [401, 401, 200]
    assert "2" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("arguments", [["nobody"], ["sarah-bot", "--prefix", "ls_%"]])
def test_revoking_nothing_is_an_error(create, arguments):
    create()

    with pytest.raises(CommandError):
        call_command("revoke_bot_keys", *arguments)

    assert ApiKey.objects.valid().count() == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["create_bot", "x", "--role", "sarah", "--workspace", "nowhere"],
        ["resync", "--phone", "abc"],
        ["resync", "--since", "soon"],
        ["resync", "--workspace", "nowhere"],
        ["resolve_failures", "--kind", "nonsense"],
    ],
)
def test_a_wrong_argument_says_which_one(arguments):
    with pytest.raises(CommandError, match="argument --"):
        call_command(*arguments)


def test_a_wrong_argument_on_the_command_line_exits_with_1():
    done = subprocess.run(
        [sys.executable, "manage.py", "create_bot", "x", "--role", "boss"],
        capture_output=True,
        text=True,
        check=False,
        cwd=settings.BASE_DIR,
    )

    assert done.returncode == 1
    assert "invalid choice: 'boss'" in done.stderr


def test_a_database_that_is_away_is_told_in_a_sentence(create):
    with database_away(), pytest.raises(CommandError, match="Check DATABASE_URL"):
        create()
