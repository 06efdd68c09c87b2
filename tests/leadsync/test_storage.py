"""Pages keep their styles, whether the static files were collected or not."""

from pathlib import Path

import pytest
from django.core.management import call_command

from leadsync.storage import StaticFilesStorage


@pytest.fixture
def production(settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "leadsync.storage.StaticFilesStorage"}
    }


@pytest.mark.usefixtures("production")
def test_names_are_plain_until_the_files_are_collected_and_hashed_from_then_on() -> None:
    assert StaticFilesStorage().url("leadsync/admin.css") == "/static/leadsync/admin.css"

    call_command(
        "collectstatic", interactive=False, verbosity=0, ignore_patterns=["unfold*", "drf*"]
    )

    assert StaticFilesStorage().url("leadsync/admin.css").startswith("/static/leadsync/admin.")
    assert StaticFilesStorage().url("leadsync/admin.css") != "/static/leadsync/admin.css"
