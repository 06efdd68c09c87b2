"""Gives a new installation the workspace that a small business needs."""

from django.db import migrations


def create(apps, schema_editor):
    apps.get_model("contacts", "Workspace").objects.get_or_create(
        slug="default", defaults={"name": "Default"}
    )


class Migration(migrations.Migration):
    dependencies = [("contacts", "0002_postgresql_search")]

    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
