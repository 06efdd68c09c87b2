"""A number of the home page: a sentence that leads to the list of exactly these rows."""

from dataclasses import dataclass

from leadsync.infra.db import shown_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    label: object
    count: int
    url: str
    colour: str = ""
    hint: object = ""
    is_alarming: bool = False

    @property
    def shown(self) -> str:
        return shown_count(self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A number of this week beside that of the week before."""

    label: object
    now: int | None
    before: int | None
    url: str
    unit: str = ""

    @property
    def shown(self) -> str:
        return self._shown(self.now)

    @property
    def shown_before(self) -> str:
        return self._shown(self.before)

    @property
    def direction(self) -> str:
        """Whether it rose or fell: `up`, `down`, or blank."""
        if self.now is None or self.before is None or self.now == self.before:
            return ""
        return "up" if self.now > self.before else "down"

    def _shown(self, count: int | None) -> str:
        return "-" if count is None else f"{shown_count(count)}{self.unit}"
