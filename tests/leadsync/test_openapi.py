"""The OpenAPI schema is complete and valid, and its page works without the internet."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import Page

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def schema() -> Any:
    return yaml.safe_load(Client().get("/api/v1/schema/").content)


def operations(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method in METHODS & set(methods):
            yield f"{method} {path}", methods[method]


def test_the_schema_is_valid_and_without_a_warning(tmp_path) -> None:
    call_command("spectacular", file=tmp_path / "schema.yaml", validate=True, fail_on_warn=True)


def test_every_path_of_the_api_is_described(schema: Any) -> None:
    assert set(schema["paths"]) == {
        "/sarah/state",
        "/api/v1/leads/",
        "/api/v1/leads/changes/",
        "/api/v1/leads/today/",
        "/api/v1/leads/{id}/assign/",
        "/api/v1/leads/{id}/follow-up/",
        "/api/v1/leads/{id}/",
        "/api/v1/leads/{id}/chat/",
        "/api/v1/leads/{id}/status/",
        "/api/v1/leads/{id}/notes/",
        "/api/v1/leads/{id}/timeline/",
        "/api/v1/leads/stats/",
        "/api/v1/leads/digest/",
        "/api/v1/conversations/",
        "/api/v1/conversations/{id}/",
        "/api/v1/conversations/{id}/messages/",
        "/api/v1/sync-failures/",
        "/api/v1/sync-failures/{id}/",
        "/api/v1/sync-failures/{id}/resolve/",
        "/api/v1/sync-failures/{id}/retry/",
        "/api/v1/sync-failures/resolve/",
        "/api/v1/sync-health/",
    }


def test_every_operation_tells_what_it_does_and_how_it_refuses(schema: Any) -> None:
    for name, operation in operations(schema):
        answers = operation["responses"]
        assert {"400", "401", "403", "404", "429"} <= set(answers), name
        [done] = {"200", "201"} & set(answers)
        assert all(answers[status]["description"] for status in answers if status != done), name
        assert operation["summary"], name
        assert "Scope: " in operation["description"], name
        assert len(operation["tags"]) == 1, name


def test_every_operation_takes_the_key_in_either_header(schema: Any) -> None:
    schemes = schema["components"]["securitySchemes"]

    headers = {scheme.get("scheme", scheme.get("name")) for scheme in schemes.values()}
    assert headers == {"bearer", "X-API-Key"}
    for name, operation in operations(schema):
        assert operation["security"] == [{scheme: []} for scheme in schemes], name


def test_the_bots_endpoint_is_described_with_examples_and_every_reason(schema: Any) -> None:
    post = schema["paths"]["/sarah/state"]["post"]

    assert len(post["requestBody"]["content"]["application/json"]["examples"]) == 2
    assert len(post["responses"]["200"]["content"]["application/json"]["examples"]) == 4
    for reason in schema["components"]["schemas"]["SyncReasonEnum"]["enum"]:
        assert f"`{reason}`" in post["description"]


@pytest.mark.parametrize("path", ["leads", "sync-failures"])
def test_every_filter_is_described(schema: Any, path: str) -> None:
    parameters = schema["paths"][f"/api/v1/{path}/"]["get"]["parameters"]

    assert all(parameter.get("description") for parameter in parameters)


@pytest.mark.django_db(transaction=True)
def test_the_docs_page_shows_every_operation_without_the_internet(
    page: Page, live_server, schema: Any
) -> None:
    problems: list[str] = []
    elsewhere: list[str] = []
    page.on("console", lambda said: problems.append(said.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda request: (
            request.url.startswith((live_server.url, "data:")) or elsewhere.append(request.url)
        ),
    )

    page.goto(f"{live_server.url}/api/v1/docs/")
    page.locator(".opblock-summary").nth(10).wait_for()
    page.get_by_text("Save what Sarah says").click()
    page.get_by_text("200 means committed.").wait_for()

    assert page.locator(".opblock-summary").count() == len(list(operations(schema)))
    assert (problems, elsewhere) == ([], [])
