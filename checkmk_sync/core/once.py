"""Attributes that are made when they are first needed."""

from __future__ import annotations

import threading
from typing import Callable, TypeVar

__all__ = ["make_once"]

T = TypeVar("T")

_lock = threading.RLock()  # making one attribute may need another


def make_once(owner: object, name: str, make: Callable[[], T]) -> T:
    """Return the attribute ``name`` of ``owner``, made by ``make()`` when it is first needed, by one thread only.

    For mixins, which have no constructor that people remember to call.
    """
    attributes = owner.__dict__
    if name not in attributes:
        with _lock:
            if name not in attributes:
                attributes[name] = make()
    made: T = attributes[name]
    return made
