from django.db import migrations, models

from leadsync.infra.schema import AddIndexBesideTraffic


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contacts", "0033_leads_that_came_back")]

    operations = [
        AddIndexBesideTraffic(
            model_name="contact",
            index=models.Index(fields=["-status_changed_at"], name="contact_by_move"),
        ),
    ]
