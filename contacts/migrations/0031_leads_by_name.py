from django.db import migrations, models
from django.db.models import F, Value
from django.db.models.functions import Coalesce, NullIf, Upper

from leadsync.infra.schema import AddIndexBesideTraffic


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contacts", "0030_saved_views")]

    operations = [
        AddIndexBesideTraffic(
            model_name="contact",
            index=models.Index(
                Coalesce(
                    NullIf(Upper("name"), Value("")),
                    NullIf(Upper("whatsapp_name"), Value("")),
                    NullIf(Upper("whatsapp_username"), Value("")),
                    F("phone"),
                    Value(""),
                    output_field=models.TextField(),
                ),
                F("id"),
                name="contact_by_name",
            ),
        ),
    ]
