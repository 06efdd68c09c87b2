"""Blanks names that are greetings and that no person wrote: bots took the first text for a name.

The rule is a small copy of `contacts.names` as it was, because that will change and this may not:
what most first texts consist of.
"""

import re

from django.db import migrations

BATCH_SIZE = 500
WORDS = """
    halo helo hola hi hai hy hay hey hei p asalamualaikum asalamu asalam salam alaikum walaikumsalam
    wr wb permisi permis punten misi selamat slmt met pagi siang sore malam malem good morning
    evening afternoon night there makasih terima kasih terimakasih thanks thx tq ya iya y yes ok
    oke siap sip baik no tidak ga nggak test tes ping cek mau tanya nanya info dong kak kaka kakak
    ka min admin gan sis bro pak bapak bu ibu mas mba mbak
"""
GREETINGS = frozenset(WORDS.split())
TITLES = ("pak", "bapak", "bu", "ibu", "mas", "mba", "mbak")
"""Whoever begins with one may be Pak Selamat or Bu Salam."""


def is_greeting(name):
    words = re.findall(r"[^\W_]+", re.sub("['\u2019]", "", name.casefold()))
    known = all(re.sub(r"(.)\1+", r"\1", word) in GREETINGS for word in words)
    return known and "".join(words[:1]) not in TITLES


def blank_greetings(apps, schema_editor):
    """One short transaction for each batch. The name is compared again: a person may be writing."""
    leads = apps.get_model("contacts", "Contact").objects.using(schema_editor.connection.alias)
    last = 0
    while batch := list(
        leads.filter(pk__gt=last)
        .order_by("pk")
        .values_list("pk", "name", "staff_fields")[:BATCH_SIZE]
    ):
        found = [
            (pk, name)
            for pk, name, held in batch
            if name and "name" not in held and is_greeting(name)
        ]
        leads.filter(
            pk__in=[pk for pk, _name in found], name__in={name for _pk, name in found}
        ).update(name="")
        last = batch[-1][0]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contacts", "0004_reworded_help_texts")]

    operations = [migrations.RunPython(blank_greetings, migrations.RunPython.noop, elidable=False)]
