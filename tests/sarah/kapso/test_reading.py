"""Whatever a delivery holds, it is read: what cannot be used is left out."""

import json
from collections.abc import Iterator
from functools import reduce
from itertools import cycle
from operator import getitem
from typing import Any

import pytest
from django.utils import timezone

from contacts.models import MAX_WAMID
from leadsync.infra.bodies import parse_body
from sarah.kapso.events import Marked, Written
from sarah.kapso.reading import read_delivery
from tests.kapso import recorded

HOSTILE: tuple[Any, ...] = (
    *(None, "", True, -1, 1.5, 10**400, 2**63, float("inf"), [], {}, [[]], [{}], {"a": []}),
    *("\ud800", "a\x00b", "x" * 300, "\u202eabc", "1e999", "9" * 5000, {"\ud800": "\x00"}),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "undefined"),
)


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all values of a body."""
    for name, value in body.items() if isinstance(body, dict) else enumerate(body):
        yield (*path, name)
        if isinstance(value, dict | list):
            yield from places(value, (*path, name))


@pytest.mark.parametrize("delivery", recorded(), ids=lambda delivery: delivery.name)
def test_no_value_in_any_place_breaks_the_reading_of_a_delivery(delivery: Any) -> None:
    now, event = timezone.now(), delivery.headers.get("X-Webhook-Event", "")
    hostile = cycle(HOSTILE)

    for path in [*places(json.loads(delivery.raw))] * 4:
        body = json.loads(delivery.raw)
        *way, last = path
        reduce(getitem, way, body)[last] = next(hostile)
        for said in read_delivery(event, parse_body(json.dumps(body).encode()), now=now):
            if isinstance(said, Written | Marked):
                assert 0 < len(said.wamid) <= MAX_WAMID
                said.wamid.encode()
