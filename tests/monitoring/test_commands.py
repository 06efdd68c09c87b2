"""`resolve_failures`"""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from monitoring.models import SyncFailure
from tests.factories import SyncFailureFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def failures() -> dict[str, SyncFailure]:
    return {
        "old": SyncFailureFactory(last_seen_at=timezone.now() - timedelta(days=8)),
        "unknown": SyncFailureFactory(kind="contact_not_found", contact_phone="+6281234567890"),
        "kapso": SyncFailureFactory(source="kapso", kind="rejected_payload"),
        "done": SyncFailureFactory(resolved_at=timezone.now(), resolution="healed"),
    }


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (["--all"], {"old", "unknown", "kapso"}),
        (["--kind", "contact_not_found"], {"unknown"}),
        (["--source", "kapso"], {"kapso"}),
        (["--phone", "0812-3456-7890"], {"unknown"}),
        (["--older-than", "7d"], {"old"}),
        (["--older-than", "200h"], set()),
        (["--kind", "contact_not_found", "--source", "kapso"], set()),
        (["--kind", "sync_error", "--all"], {"old"}),
    ],
)
def test_what_is_selected_and_open_is_resolved_and_counted(failures, capsys, selection, chosen):
    call_command("resolve_failures", *selection, "--note", "cleaned up")

    resolved = SyncFailure.objects.filter(resolution="manual")
    assert {row.pk for row in resolved} == {failures[name].pk for name in chosen}
    assert {row.note for row in resolved} <= {"cleaned up"}
    assert all(row.resolved_by for row in resolved)
    assert str(len(chosen)) in capsys.readouterr().out.splitlines()[-1]


def test_failures_are_chosen_by_their_ids(failures, capsys):
    call_command("resolve_failures", failures["old"].pk, failures["done"].pk)

    assert SyncFailure.objects.get(resolution="manual") == failures["old"]
    assert "1" in capsys.readouterr().out


def test_a_dry_run_only_counts(failures, capsys):
    call_command("resolve_failures", "--all", "--dry-run")

    assert SyncFailure.objects.open().count() == 3
    assert "3" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--note", "why"],
        ["--dry-run"],
        ["--kind", "oops", "--all"],
        ["--older-than", "a week"],
        ["--phone", "Budi"],
        ["one"],
    ],
)
def test_without_a_usable_selection_nothing_is_resolved(failures, arguments):
    with pytest.raises(CommandError):
        call_command("resolve_failures", *arguments)

    assert SyncFailure.objects.open().count() == 3
