"""How urgently a lead should be called: a number from 0 to 100, and its parts. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

SCORE, CONTACT, DECAY, URGENCY = 40, 30, 20, 10
"""What each part counts for at most."""
FULLY_FORGOTTEN = timedelta(days=14)
LONG = timedelta(days=7)
HURRY = ("urgent", "segera", "secepatnya", "asap", "deadline", "budget", "competitor", "kompetitor")
LEVELS = {"high": 1.0, "tinggi": 1.0, "medium": 0.5, "sedang": 0.5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Priority:
    score: float
    contact: float
    decay: float
    urgency: float

    @property
    def total(self) -> int:
        return round(self.score + self.contact + self.decay + self.urgency)


def priority_of(
    *,
    score: int,
    status: str,
    last_contact_at: datetime | None,
    last_activity_at: datetime,
    urgency_level: str,
    texts: str,
    patience: Mapping[str, timedelta],
    now: datetime,
) -> Priority:
    """Weigh a lead; `texts` are its goals and pain points, `patience` how long it may be quiet, by
    status."""
    silence = _share(now - last_activity_at, patience.get(status, LONG))
    forgotten = _share(now - last_contact_at, FULLY_FORGOTTEN) if last_contact_at else 1.0
    return Priority(
        score=SCORE * score / 100,
        contact=CONTACT * forgotten,
        decay=DECAY * silence,
        urgency=URGENCY * _urgency(urgency_level.casefold(), texts.casefold()),
    )


def _share(time: timedelta, full: timedelta) -> float:
    return min(max(time / full, 0.0), 1.0)


def _urgency(level: str, texts: str) -> float:
    if any(word in f"{level} {texts}" for word in HURRY):
        return 1.0
    return max((weight for word, weight in LEVELS.items() if word in level), default=0.0)
