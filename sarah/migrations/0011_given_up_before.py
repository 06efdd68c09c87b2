"""Notes on conversations which of them a person had given up: until now, only the log of failures
told so, and its limit deletes it."""

from django.db import migrations

ABOUT_SYNCS = ("contact_not_found", "ambiguous_contact", "workspace_not_found", "sync_error")


def note_who_gave_up(apps, schema_editor):
    """The log is short. Each update by itself, so that nobody waits."""
    alias = schema_editor.connection.alias
    states = apps.get_model("sarah", "SarahState").objects.using(alias)
    failures = apps.get_model("monitoring", "SyncFailure").objects.using(alias)
    resolved = failures.filter(
        resolution="manual", kind__in=ABOUT_SYNCS, state__synced_at__isnull=True
    )
    for state, at, by in resolved.order_by("-resolved_at").values_list(
        "state_id", "resolved_at", "resolved_by"
    ):
        states.filter(
            pk=state, synced_at__isnull=True, updated_at__lte=at, given_up_at__isnull=True
        ).update(given_up_at=at, given_up_by=by)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("sarah", "0010_who_gave_up"),
        ("monitoring", "0004_reworded_help_texts"),
    ]

    operations = [migrations.RunPython(note_who_gave_up, migrations.RunPython.noop, elidable=False)]
