"""`resolve_failures` and `retry_failures`"""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from monitoring.models import FailureGroup, SyncFailure
from tests.factories import SarahStateFactory, SyncFailureFactory, unseen_lead

pytestmark = pytest.mark.django_db


@pytest.fixture
def failures() -> dict[str, SyncFailure]:
    return {
        "old": SyncFailureFactory(last_seen_at=timezone.now() - timedelta(days=8)),
        "unknown": SyncFailureFactory(kind="contact_not_found", contact_phone="+6281234567890"),
        "kapso": SyncFailureFactory(
            source="kapso", kind="rejected_payload", workspace_ref="kopi-kita"
        ),
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
        (["--workspace", "kopi-kita"], {"kapso"}),
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
def test_without_a_usable_selection_nothing_is_resolved_or_retried(failures, arguments):
    with pytest.raises(CommandError):
        call_command("resolve_failures", *arguments)
    with pytest.raises(CommandError, match=r"Say which|argument|--note"):
        call_command("retry_failures", *arguments)

    assert SyncFailure.objects.open().count() == 3


def test_resolving_a_whole_cause_says_so_of_the_cause_and_part_of_it_does_not(failures):
    unknown, kapso = failures["unknown"].group, failures["kapso"].group

    call_command("resolve_failures", "--group", str(unknown.pk), "--note", "over")
    call_command("resolve_failures", "--group", str(kapso.pk), "--source", "kapso")

    assert FailureGroup.objects.with_numbers().filter(status="resolved").get() == unknown
    assert not SyncFailure.objects.open().filter(group__in=[unknown, kapso]).exists()


def failing_conversation(*, lead_is_there: bool) -> SyncFailure:
    state = SarahStateFactory()
    if lead_is_there:
        unseen_lead(state)
    return state.failures.get()


def test_retrying_syncs_what_is_selected_and_says_what_still_fails(capsys):
    mended, other = (failing_conversation(lead_is_there=True) for _ in range(2))
    broken = failing_conversation(lead_is_there=False)
    refused = SyncFailureFactory(kind="rejected_payload")

    with pytest.raises(SystemExit, match="3"):
        call_command("retry_failures", mended.pk, broken.pk, refused.pk)

    mended.refresh_from_db()
    assert mended.resolution == "retried"
    assert mended.resolved_by
    assert set(SyncFailure.objects.open()) == {other, broken, refused}
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith("Retried 2 conversations: 1 in sync now, 1 still fail; 1 failures")


def test_retrying_what_can_be_mended_ends_well(capsys):
    failing_conversation(lead_is_there=True)

    call_command("retry_failures", "--kind", "contact_not_found", "--dry-run")
    assert SyncFailure.objects.open().exists()
    call_command("retry_failures", "--kind", "contact_not_found")

    assert capsys.readouterr().out.splitlines() == [
        "Would retry 1 conversations.",
        "Retried 1 conversations: 1 in sync now, 0 still fail.",
    ]
    assert not SyncFailure.objects.open().exists()


@pytest.mark.parametrize("flag", ["--workspace=", "--group=0"])
def test_a_flag_without_a_value_does_not_widen_the_selection(
    flag: str, failures: dict[str, SyncFailure], capsys
) -> None:
    """As when a script's variable is empty: `--workspace="$SHOP"`."""
    call_command("resolve_failures", "--source=sarah", flag, "--dry-run")

    assert "Would resolve 0 " in capsys.readouterr().out
