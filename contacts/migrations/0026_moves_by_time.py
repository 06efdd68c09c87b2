from django.db import migrations, models

from leadsync.infra.schema import AddIndexBesideTraffic


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contacts", "0025_leads_by_update")]

    operations = [
        AddIndexBesideTraffic(
            model_name="statuschange",
            index=models.Index(fields=["at", "id"], name="status_change_by_time"),
        ),
    ]
