"""Columns of their own for what conversations told by `sync_attempts`, and for who asked for a
retry. With defaults of the database: processes of the release before go on inserting."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sarah", "0002_postgresql_room_for_updates"),
    ]

    operations = [
        migrations.AddField(
            model_name="sarahstate",
            name="has_open_failures",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Failures that a sync which works closes; spares each message the look.",
                verbose_name="has open failures",
            ),
        ),
        migrations.AddField(
            model_name="sarahstate",
            name="retry_requested_by",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Who asked for the next attempt; the failures that it ends are signed so.",
                max_length=150,
                verbose_name="retry requested by",
            ),
        ),
    ]
