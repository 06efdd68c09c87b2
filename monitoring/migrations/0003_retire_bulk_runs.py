"""Bulk runs are gone. Their tables stay until the next release, for processes of the one before,
but hold on to no failure or cause any more."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0002_relations_to_conversations"),
    ]

    operations = [
        migrations.AlterField(
            model_name="alert",
            name="cause",
            field=models.CharField(
                choices=[
                    ("new_group", "New cause of failures"),
                    ("regression", "Cause of failures is back"),
                    ("failure_rate", "Many messages fail"),
                    ("silence", "No messages"),
                    ("backlog", "Retries pile up"),
                    ("revoked_key", "Revoked key in use"),
                    ("plain_http", "Messages over plain HTTP"),
                    ("flood", "Flood of unknown numbers"),
                ],
                max_length=12,
                verbose_name="what",
            ),
        ),
        migrations.AlterField(
            model_name="bulkitem",
            name="failure",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="bulk_items",
                to="monitoring.syncfailure",
            ),
        ),
        migrations.AlterField(
            model_name="bulkrun",
            name="group",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="bulk_runs",
                to="monitoring.failuregroup",
                verbose_name="cause",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name="BulkItem"),
                migrations.DeleteModel(name="BulkRun"),
            ],
        ),
    ]
