"""Lets Sales and Operators take leads over from Sarah."""

from django.contrib.auth.management import create_permissions
from django.db import migrations


def grant(apps, schema_editor):
    # Django creates permissions only after the last migration of a run.
    config = apps.get_app_config("contacts")
    config.models_module = True
    create_permissions(config, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    config.models_module = None
    permission = apps.get_model("auth", "Permission").objects.get(
        content_type__app_label="contacts", codename="take_over_contact"
    )
    # One that was renamed or deleted: a person decides.
    for group in apps.get_model("auth", "Group").objects.filter(name__in=["Sales", "Operators"]):
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("leadsync", "0008_operators_let_in"),
        ("contacts", "0015_taken_over_from_sarah"),
    ]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
