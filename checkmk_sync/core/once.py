"""Attributes that are made when they are first needed."""

from __future__ import annotations

from typing import Callable, TypeVar

__all__ = ["make_once"]

T = TypeVar("T")


def make_once(owner: object, name: str, make: Callable[[], T]) -> T:
    """Return the attribute ``name`` of ``owner``, made by ``make()`` when it is first needed.

    For mixins, which have no constructor that people remember to call. If two threads make one at the same time, both
    get the first. A lock would be held while ``make`` runs, and stay locked in a process that is forked meanwhile.
    """
    attributes = owner.__dict__
    if name not in attributes:
        attributes.setdefault(name, make())
    made: T = attributes[name]
    return made
