"""Each operation of the schema opens to the keys that operators can issue, and to no others."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from django.test import Client

from leadsync.bots import ROLES
from tests.bot import Bot
from tests.factories import ContactFactory, SyncFailureFactory

pytestmark = pytest.mark.django_db(transaction=True)

METHODS = {"get", "post", "put", "patch", "delete"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A method of a path, and the scope that its description asks for."""

    method: str
    path: str
    scope: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def asked_by(self, client: Client) -> Any:
        """The answer to a call of it, about the row with the key 1 where it is about one."""
        path = re.sub(r"\{\w+\}", "1", self.path)
        body = {} if self.method == "get" else {"content_type": "application/json", "data": {}}
        return getattr(client, self.method)(path, **body)


@pytest.fixture
def operations() -> list[Operation]:
    schema = yaml.safe_load(Client().get("/api/v1/schema/").content)
    return list(_operations(schema["paths"]))


def _operations(paths: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in paths.items():
        for method in METHODS & set(methods):
            (scope,) = re.findall(r"Scope: `([\w:]+)`", methods[method]["description"])
            yield Operation(method=method, path=path, scope=scope)


@pytest.fixture
def callers() -> dict[str, Client]:
    """A client for each role, with a key as `create_bot --role` issues it."""
    ContactFactory(pk=1)
    SyncFailureFactory(pk=1)
    return {role: Bot(f"{role}-bot", role=role).client for role in ROLES}


def test_every_operation_opens_to_each_role_with_its_scope_and_there_is_one(
    operations: list[Operation], callers: dict[str, Client]
) -> None:
    opened = set()
    for operation in operations:
        for role in (role for role in ROLES if operation.scope in ROLES[role]):
            status = operation.asked_by(callers[role]).status_code
            assert status < 500, f"{operation} as {role}"
            assert status not in (401, 403), f"{operation} as {role}"
            opened.add(operation)

    assert set(operations) == opened


def test_every_operation_tells_a_role_without_its_scope_which_it_lacks(
    operations: list[Operation], callers: dict[str, Client]
) -> None:
    for operation in operations:
        lacking = [role for role in ROLES if operation.scope not in ROLES[role]]
        assert lacking, f"{operation} is open to every role."
        for role in lacking:
            answer = operation.asked_by(callers[role])
            assert answer.status_code == 403, f"{operation} as {role}"
            assert operation.scope in answer.json()["error"], f"{operation} as {role}"
