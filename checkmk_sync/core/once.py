"""Attributes that are created on first use."""

from __future__ import annotations

from typing import Callable, TypeVar

__all__ = ["make_once"]

T = TypeVar("T")


def make_once(owner: object, name: str, make: Callable[[], T]) -> T:
    """Return the attribute ``name`` of ``owner``, created by ``make()`` on first use.

    Mixins use this instead of a constructor, which subclasses might forget to call. Threads that create the attribute
    at the same time all get the first object.
    """
    attributes = owner.__dict__
    if name not in attributes:
        # No lock: it would be held while make() runs, and stay locked in a process forked at that time.
        attributes.setdefault(name, make())
    made: T = attributes[name]
    return made
