"""Lets Operators see what Kapso delivered, and replay it."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

WANTED = ("view_kapsodelivery", "replay_kapsodelivery")


def widen_group(apps, schema_editor):
    # Django creates permissions only after the last migration of a run.
    config = apps.get_app_config("sarah")
    config.models_module = True
    create_permissions(config, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    config.models_module = None
    for group in apps.get_model("auth", "Group").objects.filter(name="Operators"):
        permissions = apps.get_model("auth", "Permission").objects
        group.permissions.add(
            *permissions.filter(content_type__app_label="sarah", codename__in=WANTED)
        )


class Migration(migrations.Migration):
    dependencies = [
        ("leadsync", "0004_operators_erase_and_export"),
        ("sarah", "0008_kapso_feed"),
    ]

    operations = [migrations.RunPython(widen_group, migrations.RunPython.noop)]
