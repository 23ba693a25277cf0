"""Grouping of items into waves, so that the items of one wave do not depend on each other."""

from __future__ import annotations

from typing import Collection, Mapping

__all__ = ["waves"]


def waves(needs: Mapping[str, Collection[str]]) -> dict[str, int]:
    """Return the wave of each key: 0 for a key without needs, else one more than the highest wave of its needs.

    ``needs`` maps each key to the keys that must come before it. Needs that are not keys are ignored. Keys in a cycle,
    and keys that depend on them, are in the last wave.
    """
    left = {key: {need for need in wanted if need in needs and need != key} for key, wanted in needs.items()}
    users: dict[str, list[str]] = {}
    for key, wanted in left.items():
        for need in wanted:
            users.setdefault(need, []).append(key)
    wave_of: dict[str, int] = {}
    ready, number = [key for key, wanted in left.items() if not wanted], 0
    while ready:
        wave_of.update(dict.fromkeys(ready, number))
        done, ready, number = ready, [], number + 1
        for key in done:
            for user in users.get(key, ()):
                left[user].discard(key)
                if not left[user]:
                    ready.append(user)
    return {key: wave_of.get(key, number) for key in needs}
