"""Fills in when a person last moved a lead, where that was its last move. Until then, only Sarah
signed as `sarah-bot`, and all other moves were people's."""

from django.db import migrations
from django.db.models import F

BATCH_SIZE = 500


def note_moves_by_people(apps, schema_editor):
    """One short transaction for each batch; what a process of today wrote meanwhile stays."""
    leads = apps.get_model("contacts", "Contact").objects.using(schema_editor.connection.alias)
    moved = leads.filter(status_changed_at__isnull=False, moved_by_person_at__isnull=True).exclude(
        status_changed_by__in=["", "sarah-bot"]
    )
    last = 0
    while pks := list(
        moved.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE]
    ):
        moved.filter(pk__in=pks).update(moved_by_person_at=F("status_changed_at"))
        last = pks[-1]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contacts", "0006_who_moved_a_lead")]

    operations = [
        migrations.RunPython(note_moves_by_people, migrations.RunPython.noop, elidable=False)
    ]
