"""Makes the staff of today members of all workspaces: they go on seeing what they have seen."""

from itertools import product

from django.conf import settings
from django.db import migrations

BATCH_SIZE = 500


def join(apps, schema_editor):
    membership = apps.get_model("contacts", "Membership")
    user = apps.get_model(settings.AUTH_USER_MODEL)
    staff = user.objects.filter(is_staff=True, is_superuser=False).values_list("pk", flat=True)
    workspaces = apps.get_model("contacts", "Workspace").objects.values_list("pk", flat=True)
    membership.objects.bulk_create(
        [membership(user_id=one, workspace_id=of) for one, of in product(staff, workspaces)],
        batch_size=BATCH_SIZE,
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("contacts", "0022_members")]

    operations = [migrations.RunPython(join, migrations.RunPython.noop)]
