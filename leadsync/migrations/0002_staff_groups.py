"""Creates the two groups of staff, neither of them superusers: Sales works with the leads,
Operators also with failures, keys and workspaces."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

SALES = [
    "contacts.view_workspace",
    "contacts.view_contact",
    "contacts.add_contact",
    "contacts.change_contact",
    "contacts.view_statuschange",
    "contacts.view_note",
    "contacts.add_note",
    "sarah.view_sarahstate",
    "sarah.resync_sarahstate",
    "sarah.start_over_sarahstate",
    "sarah.view_stateupdate",
    "monitoring.view_syncfailure",
]
OPERATORS = [
    *SALES,
    "contacts.delete_contact",
    "contacts.add_workspace",
    "contacts.change_workspace",
    "contacts.change_note",
    "contacts.delete_note",
    "monitoring.resolve_syncfailure",
    "monitoring.retry_syncfailure",
    "monitoring.view_failuregroup",
    "monitoring.handle_failuregroup",
    "monitoring.view_syncrun",
    "monitoring.view_heartbeat",
    "monitoring.view_bulkrun",
    "monitoring.view_alert",
    "monitoring.view_alertsettings",
    "monitoring.add_alertsettings",
    "monitoring.change_alertsettings",
    "monitoring.delete_alertsettings",
    "leadsync.view_apikey",
    "leadsync.revoke_apikey",
]


def create_groups(apps, schema_editor):
    # Django creates permissions only after the last migration of a run.
    for label in ("contacts", "sarah", "monitoring", "leadsync"):
        config = apps.get_app_config(label)
        config.models_module = True
        create_permissions(config, apps=apps, using=schema_editor.connection.alias, verbosity=0)
        config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects
    groups = apps.get_model("auth", "Group").objects
    for name, wanted in (("Sales", SALES), ("Operators", OPERATORS)):
        group, _created = groups.get_or_create(name=name)
        for label, codename in (full.split(".") for full in wanted):
            group.permissions.add(permissions.get(content_type__app_label=label, codename=codename))


class Migration(migrations.Migration):
    dependencies = [
        ("leadsync", "0001_models"),
        ("contacts", "0003_default_workspace"),
        ("sarah", "0002_postgresql_room_for_updates"),
        ("monitoring", "0002_relations_to_conversations"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(create_groups, migrations.RunPython.noop)]
