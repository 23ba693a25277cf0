"""The lists of objects that can only be listed by a property, such as rules by their ruleset."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterable, Mapping

from ..catalogue.noun import Record
from ..client.checkmk import Checkmk
from .desired import Desired
from .kinds import KINDS
from .observed import Observed

Lists = Mapping[str, Mapping[str, Record]]  # by kind and name


def lists_in_use(client: Checkmk, kinds: Iterable[str]) -> Lists:
    """Return the lists of some kinds that contain objects. An object that is gone from an inventory can be in each."""
    return {kind: _all_lists(client, kind).containing() for kind in kinds if KINDS[kind].listed_by}


def with_known_lists(client: Checkmk, desired: Desired, observed: Observed, in_use: Lists) -> Observed:
    """Return the state with the lists ``in_use``, and with all other lists if the inventory names one of them."""
    known: dict[str, Mapping[str, Record]] = {}
    for kind, lists in in_use.items():
        named = {wanted.properties.get(KINDS[kind].listed_by) for wanted in desired.of_kind(kind)} - {None}
        others = {} if named <= lists.keys() else _all_lists(client, kind).containing(rules=False)
        known[kind] = {**lists, **others}
    return replace(observed, lists=known)


def _all_lists(client: Checkmk, kind: str) -> Any:
    field = KINDS[kind].field_at(KINDS[kind].listed_by)
    return getattr(client, field.refers_to if field is not None else "")
