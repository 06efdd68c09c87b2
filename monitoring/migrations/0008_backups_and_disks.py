import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0010_search_by_username"),
        ("monitoring", "0007_alerts_in_any_language"),
    ]

    operations = [
        migrations.CreateModel(
            name="Backup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("file", models.CharField(max_length=255, verbose_name="file")),
                ("size", models.PositiveBigIntegerField(verbose_name="bytes")),
                (
                    "finished_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="finished",
                    ),
                ),
            ],
            options={
                "verbose_name": "backup",
                "verbose_name_plural": "backups",
                "ordering": ["-finished_at", "-pk"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="alert",
            name="alert_cause_is_known",
        ),
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
                    ("backup", "No backup"),
                    ("disk", "Disk is filling up"),
                ],
                max_length=12,
                verbose_name="what",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "cause__in",
                        [
                            "new_group",
                            "regression",
                            "failure_rate",
                            "silence",
                            "backlog",
                            "revoked_key",
                            "plain_http",
                            "flood",
                            "backup",
                            "disk",
                        ],
                    )
                ),
                name="alert_cause_is_known",
            ),
        ),
    ]
