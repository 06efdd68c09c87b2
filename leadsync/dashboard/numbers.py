"""A number of the home page, which leads to the list of exactly these rows."""

from dataclasses import dataclass

from leadsync.infra.db import shown_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    label: object = ""
    count: int
    url: str
    of: int | None = None
    """Out of how many; None: it stands alone."""
    colour: str = ""
    is_alarming: bool = False

    @property
    def shown(self) -> str:
        return shown_count(self.count)

    @property
    def share(self) -> int | None:
        """Per cent; None if there is nothing to be a share of."""
        return round(100 * self.count / self.of) if self.of else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A number of this week beside that of the week before."""

    label: object
    now: Number
    before: Number

    @property
    def direction(self) -> str:
        """Whether it rose or fell: `up`, `down`, or blank. Of shares, whether the share did."""
        now, before = _weight(self.now), _weight(self.before)
        if now is None or before is None or now == before:
            return ""
        return "up" if now > before else "down"


def _weight(number: Number) -> int | None:
    return number.count if number.of is None else number.share
