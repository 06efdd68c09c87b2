import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0023_staff_join_all_workspaces")]

    operations = [
        migrations.CreateModel(
            name="Departure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lead_id", models.BigIntegerField()),
                (
                    "how",
                    models.CharField(
                        choices=[("deleted", "Deleted"), ("merged", "Merged")], max_length=7
                    ),
                ),
                ("into_id", models.BigIntegerField(null=True)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "workspace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="departures",
                        to="contacts.workspace",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["at", "id"], name="departure_by_time")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(how="deleted", into_id__isnull=True)
                        | models.Q(how="merged", into_id__isnull=False),
                        name="departure_leads_somewhere_if_merged",
                    )
                ],
            },
        ),
    ]
