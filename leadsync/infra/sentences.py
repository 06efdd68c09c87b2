"""English sentences, as answers and rows have them, told in a person's language.

A sentence is known by the pattern that it was made from; what is in its gaps may be a phrase of a
pattern as well. So nothing stored ages, and an unknown sentence is told as it is.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Self

from django.utils.translation import gettext

GAP = re.compile(r"%\((\w+)\)s")


class Patterns:
    """Patterns such as `%(field)s %(trouble)s.`, the first that fits counts. `gaps` says by name
    which gaps hold phrases of patterns themselves; `joined` is what may stand between several."""

    def __init__(
        self, *patterns: str, gaps: Mapping[str, "Patterns"] | None = None, joined: str = ""
    ) -> None:
        self.patterns, self.gaps, self.joined = patterns, dict(gaps or {}), joined

    def __add__(self, other: Self) -> "Patterns":
        return Patterns(*self.patterns, *other.patterns, gaps=self.gaps | other.gaps)

    def in_words(self, told: str) -> str:
        """Return what was told, line by line, in the language of now."""
        return "\n".join(self._translated(line) or line for line in told.split("\n"))

    def knows(self, told: str) -> bool:
        return all(self._translated(line) is not None for line in told.split("\n"))

    def _translated(self, told: str) -> str | None:
        whole = self._as_one(told)
        parts = told.split(self.joined) if self.joined and whole is None else []
        if len(parts) < 2:
            return whole
        found = [self._as_one(part) for part in parts]
        return None if None in found else gettext(self.joined).join(map(str, found))

    def _as_one(self, told: str) -> str | None:
        for pattern, shape in self._shapes:
            if found := shape.fullmatch(told):
                gaps = {
                    name: self.gaps[name]._translated(value) if name in self.gaps else value
                    for name, value in found.groupdict().items()
                }
                if None not in gaps.values():
                    return gettext(pattern) % gaps if gaps else gettext(pattern)
        return None

    @cached_property
    def _shapes(self) -> list[tuple[str, re.Pattern[str]]]:
        return [
            (pattern, re.compile("".join(_shape(pattern)), re.DOTALL)) for pattern in self.patterns
        ]


def _shape(pattern: str) -> Iterable[str]:
    end = 0
    for gap in GAP.finditer(pattern):
        yield re.escape(pattern[end : gap.start()].replace("%%", "%"))
        yield f"(?P<{gap[1]}>.+?)"
        end = gap.end()
    yield re.escape(pattern[end:].replace("%%", "%"))
