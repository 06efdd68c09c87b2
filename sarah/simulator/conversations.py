"""Generates traffic like Sarah's: leads who write, and the requests that her function nodes send.

The rules and rates were taken from a recording of the real function nodes; the words are ours.
Everything is drawn with `Random.random`, the one method whose sequence Python guarantees, so a seed
gives the same traffic everywhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Any
from urllib.parse import quote

from sarah.simulator.vocabulary import (
    BUSINESS_TYPES,
    FIRST_NAMES,
    GOALS,
    GREETINGS,
    IDLE,
    LAST_NAMES,
    MILD,
    OPERATORS,
    PAIN_POINTS,
    TEAM_SIZES,
    URGENT,
)

PATH = "/sarah/state"

HOT, WARM = 70, 40
DODGED = {"business_type": 0.13, "team_size": 0.28, "pain_points": 0.07, "goals": 0.3}
"""Sarah's questions in her order, each with the share of leads who do not answer it."""

SWITCHES_LANGUAGE = {"id": 0.06, "en": 0.25}
SUBSCRIBERS = 9_000_000
NUMBERS = len(OPERATORS) * SUBSCRIBERS
STRIDE = 133_497_313  # coprime to NUMBERS: no number repeats before all were used


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What Sarah learns from one text of a lead."""

    facts: dict[str, Any] = field(default_factory=dict)
    weight: int = IDLE
    wants_human: bool = False
    says_goodbye: bool = False


SMALL_TALK = Turn()


def conversations(count: int, *, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the requests of `count` conversations, one after the other, as in a recording.

    A conversation depends only on the seed and its number: a larger count adds to the same traffic.
    """
    for number in range(1, count + 1):
        phone = _spelled(_national_number(number, seed=seed), number)
        path = f"{PATH}?contact_phone={quote(phone, safe='')}"
        for turn, body in enumerate(_bodies(phone, Random(f"{seed}/{number}"))):
            get = {"conversation": number, "step": 2 * turn + 1, "method": "GET", "path": path}
            yield get
            yield get | {"step": 2 * turn + 2, "method": "POST", "path": PATH, "body": body}


def phones(count: int, *, seed: int) -> list[str]:
    """Return the E.164 numbers of these conversations in their order; all are distinct."""
    return [f"+62{_national_number(number, seed=seed)}" for number in range(1, count + 1)]


def whatsapp_names(count: int, *, seed: int) -> list[str]:
    """Return the names in the WhatsApp profiles of these leads, which Sarah is never told."""
    rng = Random(f"{seed}/names")
    homes = ("en" if _chance(rng, 0.3) else "id" for _ in range(count))
    return [f"{_pick(rng, FIRST_NAMES[home])} {_pick(rng, LAST_NAMES[home])}" for home in homes]


def _national_number(number: int, *, seed: int) -> str:
    start = int(Random(f"{seed}/phones").random() * NUMBERS)
    operator, subscriber = divmod((start + number * STRIDE) % NUMBERS, SUBSCRIBERS)
    return f"{OPERATORS[operator]}{1_000_000 + subscriber}"


def _spelled(national: str, number: int) -> str:
    """Return the phone in one of the three spellings of the function nodes, in turn."""
    spaced = f"+62 {national[:3]}-{national[3:7]}-{national[7:]}"
    return (spaced, f"62{national}", f"+62{national}")[number % 3]


def _bodies(phone: str, rng: Random) -> Iterator[dict[str, Any]]:
    """Yield what Sarah posts after each text of one lead; she takes the first one for the name."""
    home = language = "en" if _chance(rng, 0.3) else "id"
    facts: dict[str, Any] = {"name": _pick(rng, GREETINGS[home]), "pain_points": []}
    state = "qualifying"
    for count, message in enumerate(_messages(rng, home), start=1):
        facts = _learned(facts, message)
        score = _score(facts) + message.weight
        state = _next_state(state, facts, score, message)
        if count > 1:
            language = _language(rng, language, message)
        yield {
            "contact_phone": phone,
            "state": state,
            "lead_score": score,
            "lead_temperature": _temperature(score, message),
            "extracted_data": facts,
            "language": language,
            "message_count": count,
        }


def _chance(rng: Random, share: float) -> bool:
    return rng.random() < share


def _pick(rng: Random, options: Sequence[Any]) -> Any:
    return options[int(rng.random() * len(options))]


def _messages(rng: Random, home: str) -> Iterator[Turn]:
    """Yield what one lead writes: at least four texts, after which a few leads drop out."""
    everything = _whole_conversation(rng, home)
    if _chance(rng, 0.08):
        return islice(everything, _pick(rng, (4, 5)))
    return everything


def _whole_conversation(rng: Random, home: str) -> Iterator[Turn]:
    yield SMALL_TALK
    if _chance(rng, 0.9):
        yield SMALL_TALK
    for question, share in DODGED.items():
        if not _chance(rng, share):
            yield _answer(rng, home, question)
        else:
            yield _asks_for_human(rng) if _chance(rng, 0.4) else SMALL_TALK
        if _chance(rng, 0.25):
            yield SMALL_TALK
    for _ in range(_pick(rng, (0, 1, 1, 2, 3))):
        yield _answer(rng, home, "pain_points") if _chance(rng, 0.35) else SMALL_TALK
    if _chance(rng, 0.15):
        yield Turn(says_goodbye=True)
    elif _chance(rng, 0.14):
        yield _asks_for_human(rng)


def _answer(rng: Random, home: str, question: str) -> Turn:
    if question == "pain_points":
        weight = _pick(rng, (URGENT, URGENT, URGENT, MILD, MILD, IDLE))
        told = [_pick(rng, PAIN_POINTS[home, weight])]
        if weight == MILD and _chance(rng, 0.35):
            told.append(_pick(rng, PAIN_POINTS[home, weight]))
        return Turn(facts={"pain_points": told}, weight=weight)
    answers = {"business_type": BUSINESS_TYPES[home], "goals": GOALS[home], "team_size": TEAM_SIZES}
    return Turn(facts={question: _pick(rng, answers[question])})


def _asks_for_human(rng: Random) -> Turn:
    return Turn(wants_human=True, weight=_pick(rng, (IDLE, IDLE, IDLE, MILD, URGENT)))


def _learned(facts: dict[str, Any], message: Turn) -> dict[str, Any]:
    """Return the facts with what is new; nothing is removed, keys stay in the questions' order."""
    pains = dict.fromkeys(facts["pain_points"] + message.facts.get("pain_points", []))
    return facts | message.facts | {"pain_points": list(pains)}


def _score(facts: dict[str, Any]) -> int:
    known = sum(bool(facts.get(key)) for key in ("business_type", "pain_points", "goals"))
    team = min(5 + 5 * facts["team_size"], 20) if "team_size" in facts else 0
    return 20 + 10 * known + team


def _next_state(state: str, facts: dict[str, Any], score: int, message: Turn) -> str:
    """Score once all is known; hand over who is then hot, and whoever asks for a person."""
    if message.says_goodbye:
        return "completed"
    if message.wants_human or (state == "scoring" and score >= HOT):
        return "handoff"
    if state == "qualifying" and all(facts.get(question) for question in DODGED):
        return "scoring"
    return state


def _temperature(score: int, message: Turn) -> str:
    if message.says_goodbye:
        return "cold"
    if message.wants_human or score >= HOT:
        return "hot"
    return "warm" if score >= WARM else "cold"


def _language(rng: Random, language: str, message: Turn) -> str:
    """Return the language that Sarah detects: short texts and loanwords make her switch."""
    if message.says_goodbye or message.facts.keys() & {"pain_points", "goals"}:
        return language
    if not _chance(rng, SWITCHES_LANGUAGE[language]):
        return language
    return "en" if language == "id" else "id"
