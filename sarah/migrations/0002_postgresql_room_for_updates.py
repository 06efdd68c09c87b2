"""Leaves room on each page for updates in place (PostgreSQL): every message rewrites its row."""

from django.db import migrations


def set_fillfactor(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE sarah_sarahstate SET (fillfactor = 80)")


def reset_fillfactor(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE sarah_sarahstate RESET (fillfactor)")


class Migration(migrations.Migration):
    dependencies = [("sarah", "0001_models")]

    operations = [migrations.RunPython(set_fillfactor, reset_fillfactor)]
