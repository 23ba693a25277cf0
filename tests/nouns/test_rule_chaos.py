"""Random writes of rules with random faults. The client never reports what the site has not stored."""

from __future__ import annotations

import random
from typing import Any, Callable

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import CheckmkError
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite
from tests.nouns.rule_examples import FILESYSTEM, create_rule, rule_ids

FAULTS = ("reset_before", "reset_after", "repeat", "crash", "crash_after", "html", "redirect")
# A request that is sent twice creates two rules. The client reports one of them, or an unknown outcome.
REPEATED = 2


def _state(site: SimulatedSite) -> dict[str, Any]:
    """Return the values of the rules of the site in their order."""
    return {key: (index, rule) for index, (key, rule) in enumerate(site.state.configuration.objects["rules"].items())}


def _operation(chance: random.Random, cmk: Checkmk, ids: list[str]) -> Callable[[], tuple[str, Callable[[Any], bool]]]:
    """Return a write. It returns the ID of its rule, and a check of the rule as the site stores it."""
    value = {"levels": (float(chance.randint(1, 3)), 90.0)}
    if not ids or chance.random() < 0.4:
        return lambda: (str(create_rule(cmk.rules, value).id), lambda rule: rule["value_raw"] == repr(value))
    rule, other = chance.choice(ids), chance.choice(ids)
    if chance.random() < 0.3:
        return lambda: (str(cmk.rules.update(rule, value=value).id), lambda rule: rule["value_raw"] == repr(value))
    if chance.random() < 0.3:
        return lambda: (cmk.rules.delete(rule) or rule, lambda found: found is None)
    if rule == other:
        return lambda: (str(cmk.rules.move(rule, top_of="/").id), lambda _rule: rule_ids(cmk.rules)[0] == rule)

    def is_behind(_rule: Any) -> bool:
        ids = rule_ids(cmk.rules)
        return ids.index(rule) == ids.index(other) + 1

    return lambda: (str(cmk.rules.move(rule, after=other).id), is_behind)


@pytest.mark.parametrize("seed", range(12))
def test_reports_are_true_whatever_happens_to_the_answers(seed: int, clock: ManualClock) -> None:
    chance = random.Random(seed)
    with SimulatedSite("2.4.0p18", clock=clock) as site, site.client(clock=clock) as cmk:
        for _ in range(15):
            before = _state(site)
            kind = chance.choice(FAULTS)
            site.set_faults([Fault(kind, writes=True, times=1)] if chance.random() < 0.7 else [])
            try:
                key, is_stored = _operation(chance, cmk, list(before))()
            except CheckmkError as error:
                assert error.attempted is not None
                assert error.attempted.is_uncertain or _state(site) == before, (kind, error)
            else:
                site.set_faults([])
                stored = site.state.configuration.objects["rules"].get(key)
                assert is_stored(stored), kind
                assert len(_state(site)) - len(before) <= (REPEATED if kind == "repeat" else 1)
            assert all(rule["ruleset"] == FILESYSTEM for rule in site.state.configuration.objects["rules"].values())
