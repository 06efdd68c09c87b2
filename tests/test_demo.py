"""`make demo` in a copy of the project: what it prints opens a site at work, and does so again."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from sarah.simulator.conversations import whatsapp_names
from tests.demo import clone_of_project, ctrl_c, hang_up, running_demo

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="The demo always has a SQLite file of its own."
    ),
]

CONVERSATIONS = 12


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """One with a smaller demo, and with a database that is migrated already."""
    clone = clone_of_project(tmp_path)
    command = clone / "leadsync" / "management" / "commands" / "demo.py"
    command.write_text(
        command.read_text().replace(
            "CONVERSATIONS, SEED = 60", f"CONVERSATIONS, SEED = {CONVERSATIONS}"
        )
    )
    database_of(clone).parent.mkdir()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(database_of(clone))])
    return clone


def database_of(clone: Path) -> Path:
    return clone / "var" / "demo.sqlite3"


def conversations(clone: Path) -> int:
    with closing(sqlite3.connect(database_of(clone))) as database:
        return int(database.execute("SELECT COUNT(*) FROM sarah_sarahstate").fetchone()[0])


def test_the_demo_shows_a_site_at_work_and_does_no_harm_when_it_runs_again(clone: Path) -> None:
    with running_demo(clone, stop=ctrl_c) as first, first.signed_in() as page:
        memory = first.ask(first.key).json()
        leads = page(f"contacts/contact/?q={memory['contact_phone'].removeprefix('+')}")
        failures = re.findall(
            r"monitoring/syncfailure/\d+/change/", page("monitoring/syncfailure/")
        )
        failure = page(failures[0])
    told = conversations(clone)
    with running_demo(clone, stop=hang_up) as second, second.signed_in() as page:
        statuses = [second.ask(key).status_code for key in (first.key, second.key)]
        memory_kept = second.ask(second.key).json()

    assert memory["message_count"] > 0
    assert memory["extracted_data"]["name"] not in leads  # a greeting
    assert whatsapp_names(1, seed=1)[0] in leads
    assert "Mark resolved" in failure
    assert statuses == [401, 200]
    assert memory_kept == memory
    assert (told, conversations(clone)) == (CONVERSATIONS, CONVERSATIONS)
    assert not (clone.parent / "real.sqlite3").exists()
