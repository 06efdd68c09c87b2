"""Reads from Kapso's API: pages, within its rate limit, again where it fails for a moment."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import sleep
from typing import Any
from urllib.parse import urlencode, urlsplit

PREFIX = "/platform/v1/whatsapp/"
PAGE = 100
PACE = 0.6
"""Seconds between two requests: Kapso's free plan allows 100 a minute."""
TIMEOUT = 30
ATTEMPTS = 5
LONGEST_WAIT = 120

Row = dict[str, Any]


class KapsoUnavailable(Exception):
    """Kapso does not answer as it should; the text is a sentence without personal data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    rows: list[Row]
    after: str
    """Where the next page begins; blank on the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KapsoApi:
    """Kapso's API at this address, with this key."""

    url: str
    key: str

    def pages(self, path: str, *, after: str = "", **query: str) -> Iterator[Page]:
        """The pages from `after` on, newest first. Raises KapsoUnavailable."""
        while True:
            page = self._page(path, {"limit": str(PAGE), "after": after, **query})
            yield page
            if not page.after or page.after == after:
                return
            after = page.after

    def _page(self, path: str, query: dict[str, str]) -> Page:
        told = self._get(f"{PREFIX}{path}?{urlencode({k: v for k, v in query.items() if v})}")
        rows, cursors = told.get("data"), (told.get("paging") or {}).get("cursors") or {}
        found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return Page(rows=found, after=str(cursors.get("after") or "") if found else "")

    def _get(self, target: str) -> Row:
        problem = ""
        for attempt in range(ATTEMPTS):
            sleep(PACE)
            try:
                status, wait, body = self._request(target)
            except (OSError, HTTPException) as error:
                status, wait, body, problem = 0, "", b"", type(error).__name__
            if status == 200:
                return _object(body)
            if status in (401, 403, 404):
                raise KapsoUnavailable(f"Kapso answered {status}: check KAPSO_API_KEY.")
            problem = problem if not status else f"Kapso answered {status}"
            sleep(min(float(wait) if wait.isdecimal() else 2.0**attempt, LONGEST_WAIT))
        raise KapsoUnavailable(f"{problem}, {ATTEMPTS} times. Run it again: it goes on from here.")

    def _request(self, target: str) -> tuple[int, str, bytes]:
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.netloc, timeout=TIMEOUT)
        try:
            connection.request("GET", target, headers={"X-API-Key": self.key})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Retry-After", ""), answer.read()
        finally:
            connection.close()


def _object(body: bytes) -> Row:
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise KapsoUnavailable("Kapso answered something that is no JSON object.")
    return told
