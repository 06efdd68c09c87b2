from django.db import migrations, models

from leadsync.infra.schema import AddIndexBesideTraffic


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contacts", "0032_permission_to_invite")]

    operations = [
        AddIndexBesideTraffic(
            model_name="contact",
            index=models.Index(
                fields=["re_engaged_at"],
                condition=models.Q(re_engaged_at__isnull=False),
                name="contact_re_engaged",
            ),
        ),
    ]
