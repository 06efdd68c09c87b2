from django.db import migrations, models

from leadsync.infra.schema import AddIndexBesideTraffic


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contacts", "0024_leads_that_are_gone")]

    operations = [
        AddIndexBesideTraffic(
            model_name="contact",
            index=models.Index(fields=["updated_at", "id"], name="contact_by_update"),
        ),
    ]
