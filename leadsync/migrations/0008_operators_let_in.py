"""Lets operators see failed log-ins, and let in who has to wait."""

from django.contrib.auth.management import create_permissions
from django.db import migrations


def grant(apps, schema_editor):
    # Django creates permissions only after the last migration of a run.
    config = apps.get_app_config("leadsync")
    config.models_module = True
    create_permissions(config, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects
    group = apps.get_model("auth", "Group").objects.filter(name="Operators").first()
    if group:
        wanted = ("view_failedlogin", "delete_failedlogin")
        group.permissions.add(*permissions.filter(codename__in=wanted))


class Migration(migrations.Migration):
    dependencies = [("leadsync", "0007_failed_logins")]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
