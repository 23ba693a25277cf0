"""Attributes that are created on first use."""

from __future__ import annotations

from typing import Callable, TypeVar

T = TypeVar("T")


def make_once(owner: object, name: str, make: Callable[[], T]) -> T:
    """Return the attribute ``name`` of ``owner``, and create it with ``make()`` on first use.

    Mixins use this because subclasses might forget to call a constructor. If threads create the attribute at the same
    time, all of them get the same object.
    """
    attributes = owner.__dict__
    if name not in attributes:
        # No lock, because a process forked while make() runs would inherit it locked.
        attributes.setdefault(name, make())
    made: T = attributes[name]
    return made
