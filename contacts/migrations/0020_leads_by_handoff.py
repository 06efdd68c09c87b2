from django.db import migrations, models

from leadsync.infra.schema import AddIndexBesideTraffic


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contacts", "0019_leads_to_answer")]

    operations = [
        AddIndexBesideTraffic(
            model_name="contact",
            index=models.Index(
                fields=["-handed_over_at"],
                condition=models.Q(handed_over_at__isnull=False),
                name="contact_by_handoff",
            ),
        ),
    ]
