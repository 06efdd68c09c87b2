"""What requests cost when somebody last looked: `bench/baseline.json`, in floors.

A floor is the processor time of the bare view that does the same, measured in the same run: so
machines of any speed can be compared, and a busy one tells the truth.
"""

import json
from collections.abc import Mapping
from pathlib import Path

FILE = Path(__file__).with_name("baseline.json")
NOTICEABLE = 0.1
"""Differences below a tenth are noise."""

Costs = Mapping[str, float]
"""Floors, by the name of what costs so many."""


def differences(costs: Costs, kept: Costs) -> list[str]:
    """Say in a sentence each what became slower or faster than it was kept. Pure."""
    sentences = []
    for name, now in costs.items():
        before = kept.get(name)
        if before is None:
            sentences.append(f"new: {name} costs {now:.2f} floors.")
        elif now > before * (1 + NOTICEABLE):
            sentences.append(f"SLOWER: {name} costs {now:.2f} floors, and cost {before:.2f}.")
        elif now < before * (1 - NOTICEABLE):
            sentences.append(f"faster: {name} costs {now:.2f} floors, and cost {before:.2f}.")
    return sentences or ["Nothing became slower or faster by a tenth."]


def kept() -> dict[str, float]:
    return dict(json.loads(FILE.read_text())) if FILE.exists() else {}


def keep(costs: Costs) -> None:
    rounded = {name: round(cost, 2) for name, cost in costs.items()}
    FILE.write_text(json.dumps(rounded, indent=2) + "\n")
