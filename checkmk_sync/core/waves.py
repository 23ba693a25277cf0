"""The order of things that need each other, for calls that do many at once."""

from __future__ import annotations

from typing import Collection, Mapping

__all__ = ["waves"]


def waves(needs: Mapping[str, Collection[str]]) -> dict[str, int]:
    """The wave in which each key can be done: 0 for keys that need no other, else one after the last that they need.

    Needs that are not keys do not count. Keys that need each other, and what needs them, come in the last wave.
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
