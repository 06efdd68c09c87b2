"""Makes name search fast and leaves room for updates in place, both on PostgreSQL only.

`icontains` asks for UPPER(name::text) LIKE UPPER('%…%'): these are the indexes that answer it.
"""

from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations

FORWARDS = """
CREATE INDEX contact_name_trigrams ON contacts_contact
    USING gin (UPPER(name::text) gin_trgm_ops);
CREATE INDEX contact_whatsapp_name_trigrams ON contacts_contact
    USING gin (UPPER(whatsapp_name::text) gin_trgm_ops);
ALTER TABLE contacts_contact SET (fillfactor = 80);
"""
BACKWARDS = """
DROP INDEX contact_name_trigrams;
DROP INDEX contact_whatsapp_name_trigrams;
ALTER TABLE contacts_contact RESET (fillfactor);
"""


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FORWARDS)


def backwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(BACKWARDS)


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_models")]

    operations = [TrigramExtension(), migrations.RunPython(forwards, backwards)]
