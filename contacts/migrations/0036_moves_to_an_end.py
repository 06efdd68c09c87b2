from django.db import migrations, models

from leadsync.infra.schema import AddIndexBesideTraffic


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contacts", "0035_leads_by_source")]

    operations = [
        AddIndexBesideTraffic(
            model_name="statuschange",
            index=models.Index(
                fields=["to", "contact"],
                condition=models.Q(to__in=["converted", "archived"]),
                name="status_change_to_an_end",
            ),
        ),
    ]
