from django.db import migrations, models

from leadsync.infra.schema import AddIndexBesideTraffic


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contacts", "0018_response_clocks")]

    operations = [
        AddIndexBesideTraffic(
            model_name="contact",
            index=models.Index(
                fields=["answer_by"],
                condition=models.Q(answer_by__isnull=False, answered_at__isnull=True),
                name="contact_to_answer",
            ),
        ),
    ]
