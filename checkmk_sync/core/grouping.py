"""Grouping of values by keys, and of items into waves that do not depend on each other."""

from __future__ import annotations

import contextlib
from graphlib import CycleError, TopologicalSorter
from typing import Collection, Iterable, Mapping, TypeVar

K = TypeVar("K")
V = TypeVar("V")


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    """Return the values of the pairs by key, both in the order of their first occurrence."""
    groups: dict[K, list[V]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


def waves(needs: Mapping[str, Collection[str]]) -> dict[str, int]:
    """Return the wave of each key: 0 for a key without needs, else one more than the highest wave of its needs.

    ``needs`` maps each key to the keys that must come before it. Needs that are not keys are ignored. Keys in a cycle,
    and keys that depend on them, are in the last wave.
    """
    graph = {key: [need for need in wanted if need in needs and need != key] for key, wanted in needs.items()}
    sorter = TopologicalSorter(graph)
    with contextlib.suppress(CycleError):  # the sorter still yields all keys that do not depend on a cycle
        sorter.prepare()
    wave_of: dict[str, int] = {}
    number = 0
    while ready := sorter.get_ready():
        wave_of.update(dict.fromkeys(ready, number))
        sorter.done(*ready)
        number += 1
    return {key: wave_of.get(key, number) for key in needs}
