"""English sentences, as answers and rows have them, told in a person's language.

A sentence is known by the pattern that it was made from; what is in its gaps may be a phrase of a
pattern as well. So nothing stored ages, and an unknown sentence is told as it is.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Self

from django.utils.translation import gettext

GAP = re.compile(r"%\((\w+)\)s")
LONGEST = 1_000
"""Characters of a line that is looked at: where a gap ends is a search, and a hostile line makes it
a long one. Ours are shorter."""


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
        if len(told) > LONGEST:
            return None
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
            (pattern, re.compile(self._shape(pattern, "(?P<{}>{})"), re.DOTALL))
            for pattern in self.patterns
        ]

    @cached_property
    def _any(self) -> str:
        """The regular expression of one of the sentences, or of several that are joined."""
        one = "|".join(self._shape(pattern, "(?:{1})") for pattern in self.patterns)
        return f"(?:{one})(?:{re.escape(self.joined)}(?:{one}))*" if self.joined else f"(?:{one})"

    def _shape(self, pattern: str, gap: str) -> str:
        texts = [re.escape(text.replace("%%", "%")) for text in GAP.split(pattern)[::2]]
        names = GAP.findall(pattern)
        shapes = [self.gaps[name]._any if name in self.gaps else ".+?" for name in names]
        gaps = [gap.format(*found) for found in zip(names, shapes, strict=True)]
        return "".join(map("".join, zip(texts, [*gaps, ""], strict=True)))
