"""Which calls of a client create which objects."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import Iterable, Iterator

from .clock import Clock

__all__ = ["Claim", "Claims"]


@dataclass(eq=False)
class Claim:
    """The objects that one call creates; ``name in claim`` is True while no other call creates it too."""

    since: float
    names: set[str]

    def __contains__(self, name: str) -> bool:
        return name in self.names


class Claims:
    """The objects that calls of a client are creating now, or have created in the last seconds.

    An object that is there as one call sent it may be the work of another call of the same client.
    """

    KEPT_S, KEPT = 5.0, 20_000

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._claims: dict[tuple[str, str], Claim] = {}

    @contextlib.contextmanager
    def claim(self, noun: str, names: Iterable[str]) -> Iterator[Claim]:
        """Note that the block creates these objects; one that raises an error has created none.

        The claim that it yields does not hold names that another call has claimed in the last seconds. Names that
        another call claims later leave it: from then on neither call can tell which of them created the object.
        """
        with self._lock:
            claim = Claim(self._clock.monotonic(), set(names))
            mine = [(noun, name) for name in claim.names]
            for _, name in mine:
                other = self._claims.get((noun, name))
                if other is not None and other.since >= claim.since - self.KEPT_S:
                    other.names.discard(name)
                    claim.names.discard(name)
                else:
                    self._claims.pop((noun, name), None)  # so that the oldest come first
                    self._claims[noun, name] = claim
            for key in list(self._claims)[: -self.KEPT]:
                del self._claims[key]
        try:
            yield claim
        except BaseException:
            with self._lock:
                for key in mine:
                    if self._claims.get(key) is claim:
                        del self._claims[key]
            raise

    def discard(self, noun: str, name: str) -> None:
        """Note that this object is not there."""
        with self._lock:
            self._claims.pop((noun, name), None)
