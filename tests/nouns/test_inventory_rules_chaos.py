"""Random inventories of rules, disturbed by other people, lost answers and killed runs. Rules of others stay."""

from __future__ import annotations

import random
from typing import Any, Iterator

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import CheckmkError
from checkmk_sync.sync import Step, apply_plan, from_data, make_plan, plan_as_text, report_as_text
from checkmk_sync.sync.kinds import AFTER, BEFORE
from checkmk_sync.sync.order import placements
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite
from tests.nouns.rule_examples import create_rule
from tests.official_documents import EDITIONS

OWNER = "cmdb"
RULESETS = ("checkgroup_parameters:filesystem", "checkgroup_parameters:memory_linux")
FOLDERS = ("/", "/x")
FAULTS = ("reset_before", "reset_after", "crash", "crash_after", "html")
NAMES = "abcdefgh"


class Killed(BaseException):
    """The process was killed."""


def _inventory(chance: random.Random) -> list[dict[str, Any]]:
    """Return rules in any order. A rule stays in its ruleset."""
    names = chance.sample(NAMES, chance.randint(3, len(NAMES)))
    return [
        {
            "name": name,
            "ruleset": RULESETS[NAMES.index(name) % 2],
            "folder": chance.choice(FOLDERS),
            "value": {"levels": (float(chance.randint(1, 3)), 90.0)} if NAMES.index(name) % 2 == 0 else {},
            "description": chance.choice(("", "Levels")),
        }
        for name in names
    ]


def _owned(rule: Any) -> str:
    """Return the name of one of our rules; empty for a rule of others."""
    line = rule["properties"].get("comment", "").rpartition("\n")[2]
    return line.rpartition(" ")[2] if line.startswith(f"checkmk_sync/owner: {OWNER} ") else ""


def _foreign(site: SimulatedSite) -> dict[tuple[str, str], list[tuple[str, Any]]]:
    """Return the rules of others by ruleset and folder, in their order."""
    found: dict[tuple[str, str], list[tuple[str, Any]]] = {}
    for key, rule in site.state.configuration.objects["rules"].items():
        if not _owned(rule):
            found.setdefault((rule["ruleset"], rule["folder"]), []).append((key, rule))
    return found


def _disturb(chance: random.Random, cmk: Checkmk) -> None:
    """Create, change, move and delete rules as a person would."""
    for _ in range(chance.randint(0, 3)):
        ruleset = chance.choice(RULESETS)
        rules = list(cmk.rules.each(ruleset=ruleset))
        ours = [rule for rule in rules if "checkmk_sync/owner: cmdb" in (rule.comment or "")]
        action = chance.choice(("create", "create", "move", "delete", "update", "comment"))
        if action == "create" or not rules:
            other = chance.choice(("", "checkmk_sync/owner: other a"))
            rule = create_rule(cmk.rules, {}, ruleset, chance.choice(FOLDERS), comment=other)
            cmk.rules.move(str(rule.id), top_of=rule.folder)
        elif action == "move":
            cmk.rules.move(str(chance.choice(rules).id), bottom_of=chance.choice(FOLDERS))
        elif ours and action == "delete":
            cmk.rules.delete(str(chance.choice(ours).id))
        elif ours and action == "update":
            cmk.rules.update(str(chance.choice(ours).id), description="By hand")
        elif ours:
            rule = chance.choice(ours)
            cmk.rules.update(str(rule.id), comment=f"By hand\n{rule.comment}")


def _run(chance: random.Random, cmk: Checkmk, site: SimulatedSite, items: Any) -> None:
    """Apply an inventory, while answers are lost or the run is killed."""
    left = chance.randint(1, 12)

    def kill(_step: Step) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    try:
        plan = make_plan(cmk, from_data({"rules": items}), owner=OWNER)
        plan.raise_if_unsafe(allow_changes="100%", allow_deletions="100%")
        site.set_faults([Fault(chance.choice(FAULTS), writes=True, times=1, skip=chance.randint(0, 3))])
        apply_plan(cmk, plan, watch=kill if chance.random() < 0.5 else None)
    except (Killed, CheckmkError):
        pass
    site.set_faults([])


@pytest.mark.parametrize("seed", range(12))
def test_only_our_rules_are_changed_whatever_happens(seed: int, clock: ManualClock) -> None:
    chance = random.Random(seed)
    version = list(EDITIONS)[seed % len(EDITIONS)]
    with SimulatedSite(version, EDITIONS[version], clock=clock) as site, site.client(clock=clock) as cmk:
        cmk.folders.create("/x")
        stored = site.state.configuration.objects["rules"]
        for _ in range(4):
            _disturb(chance, cmk)
            foreign = _foreign(site)
            items = _inventory(chance)
            for _ in range(chance.randint(0, 2)):
                _run(chance, cmk, site, items)
            plan = make_plan(cmk, from_data({"rules": items}), owner=OWNER)
            assert not plan.conflicts, plan_as_text(plan)
            report = apply_plan(cmk, plan)
            assert report.ok, f"{plan_as_text(plan)}\n{report_as_text(report)}"
            assert make_plan(cmk, from_data({"rules": items}), owner=OWNER).is_empty
            assert _foreign(site) == foreign
            assert sorted(filter(None, map(_owned, stored.values()))) == sorted(item["name"] for item in items)
            for ruleset in RULESETS:
                for folder in FOLDERS:
                    place = (ruleset, folder)
                    found = [_owned(rule) for rule in stored.values() if (rule["ruleset"], rule["folder"]) == place]
                    wanted = [item["name"] for item in items if (item["ruleset"], item["folder"]) == place]
                    assert [*filter(None, found)] == wanted


# The order


def _cases() -> Iterator[tuple[list[str], list[str], list[str]]]:
    chance = random.Random(16)
    for _ in range(300):
        wanted = chance.sample(NAMES, chance.randint(1, len(NAMES)))
        parts = [chance.choice(("here", "new", "elsewhere")) for _ in wanted]
        here = [name for name, part in zip(wanted, parts) if part == "here"]
        chance.shuffle(here)
        yield wanted, here, [name for name, part in zip(wanted, parts) if part == "new"]


def test_placements_lead_to_the_wanted_order() -> None:
    for wanted, here, new in _cases():
        moves = placements(wanted, here, new)
        order = [*here, *(name for name in wanted if name in new)]
        for name in wanted:
            if name in moves or name not in order:
                order = [other for other in order if other != name]
                path, target = moves.get(name, (BEFORE, ""))
                place = order.index(target) + (path == AFTER) if target else len(order)
                order.insert(place, name)
        assert order == wanted


def test_as_few_existing_objects_as_possible_move() -> None:
    for wanted, here, new in _cases():
        moves = placements(wanted, here, new)
        kept = [name for name in here if name not in moves]
        longest = [0] * (len(here) + 1)
        positions = [wanted.index(name) for name in here]
        for end, position in enumerate(positions):
            longest[end] = 1 + max((longest[start] for start in range(end) if positions[start] < position), default=0)
        assert len(kept) == max(longest)
