"""Random writes of plain nouns with random faults. The reports of the client always match the site."""

from __future__ import annotations

import random
from typing import Any

import pytest

from checkmk_sync.catalogue.noun import Noun
from checkmk_sync.catalogue.nouns import NOUNS
from checkmk_sync.client.outcomes import Outcome, Status
from checkmk_sync.errors import CheckmkError
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite

FAULTS = ("reset_before", "reset_after", "repeat", "crash", "crash_after", "html", "redirect")
SINGLE, BULK = ("create", "update", "delete", "ensure"), ("bulk_create", "bulk_update", "bulk_delete")


def _values(noun: Noun, text: str) -> dict[str, Any]:
    """Return the required fields, with ``text`` as the title."""
    required = {field.name: field.example for field in noun.fields[1:] if field.required}
    return {**required, _title(noun): text}


def _title(noun: Noun) -> str:
    return next(field.name for field in noun.fields if field.name in ("alias", "fullname", "title"))


def _write(objects: Any, noun: Noun, verb: str, keys: list[str], text: str) -> dict[str, Status]:
    """Perform one write and return the status of each object."""
    if verb in BULK:
        fields = _values(noun, text) if verb == "bulk_create" else {}
        items: list[Any] = [{**fields, "name": key, _title(noun): f"{text}{key}"} for key in keys]
        outcomes = getattr(objects, verb)(keys if verb == "bulk_delete" else items)
        return {outcome.key: outcome.status for outcome in outcomes}
    values = {"update": {_title(noun): text}, "delete": {}}.get(verb, _values(noun, text))
    try:
        getattr(objects, verb)(keys[0], **values)
    except CheckmkError as error:
        return {keys[0]: Outcome.failed(keys[0], error).status}
    return {keys[0]: Status.APPLIED}


# The keys of other objects are not known before they exist.
NAMED = sorted(name for name, noun in NOUNS.items() if noun.supports("create") and not noun.key.assigned)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))])
@pytest.mark.parametrize("name", NAMED)
@pytest.mark.every_case
def test_reports_are_true_whatever_happens_to_the_answers(name: str, seed: int, clock: ManualClock) -> None:
    chance, noun = random.Random(f"{name} {seed}"), NOUNS[name]
    verbs = (*SINGLE, *BULK) if noun.supports("bulk_create") else SINGLE
    with SimulatedSite("2.4.0p18", clock=clock) as site, site.client(clock=clock) as cmk:
        stored = site.state.configuration.objects[name]
        for step in range(12):
            verb, keys, before = (
                chance.choice(verbs),
                chance.sample(["a", "b", "c"], chance.randint(1, 3)),
                dict(stored),
            )
            faults = [Fault(kind, writes=True, times=chance.randint(1, 2)) for kind in chance.sample(FAULTS, 1)]
            site.set_faults(faults if chance.random() < 0.7 else [])
            for key, status in _write(getattr(cmk, name), noun, verb, keys, f"T{step}").items():
                now, what = stored.get(key), f"{step}: {faults} {verb} {key}: {status}"
                if status is Status.APPLIED and "delete" in verb:
                    assert now is None, what
                elif status is Status.APPLIED:
                    assert now is not None and now[_title(noun)] in (f"T{step}", f"T{step}{key}"), what
                elif status is Status.NOT_APPLIED:
                    assert now == before.get(key), what
