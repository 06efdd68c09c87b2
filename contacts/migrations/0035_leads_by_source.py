from django.db import migrations, models

from leadsync.infra.schema import AddIndexBesideTraffic


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contacts", "0034_leads_by_move")]

    operations = [
        AddIndexBesideTraffic(
            model_name="contact",
            index=models.Index(fields=["source"], name="contact_by_source"),
        ),
    ]
