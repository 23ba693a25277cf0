"""Which calls of a client create which objects."""

from __future__ import annotations

import contextlib
import itertools
import threading
from dataclasses import dataclass
from typing import Iterable, Iterator, Optional

from ..core.clock import Clock

__all__ = ["Claim", "Claims"]


@dataclass(eq=False)
class Claim:
    """The objects that one call creates; ``name in claim`` is True while no other call creates it too.

    ``ended`` is the time at which the call returned, None while it runs.
    """

    names: set[str]
    ended: Optional[float] = None

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
            claim = Claim(set(names))
            mine = [(noun, name) for name in claim.names]
            self._drop_old(2 * len(mine) + 10)
            for key in mine:
                other = self._claims.get(key)
                if other is None or self._is_over(other):
                    self._claims[key] = claim
                else:
                    other.names.discard(key[1])
                    claim.names.discard(key[1])
        try:
            yield claim
        except BaseException:
            with self._lock:
                for key in mine:
                    if self._claims.get(key) is claim:
                        del self._claims[key]
            raise
        with self._lock:
            claim.ended = self._clock.monotonic()
            for key in mine:
                if self._claims.get(key) is claim:
                    self._claims[key] = self._claims.pop(key)  # those that ended first come first

    def _is_over(self, claim: Claim) -> bool:
        return claim.ended is not None and claim.ended < self._clock.monotonic() - self.KEPT_S

    def _drop_old(self, number: int) -> None:
        """Look at the ``number`` oldest claims, which is more than the caller adds, and drop those that are over."""
        for key, claim in list(itertools.islice(self._claims.items(), number)):
            if self._is_over(claim) or (claim.ended is not None and len(self._claims) > self.KEPT):
                del self._claims[key]

    def discard(self, noun: str, name: str) -> None:
        """Note that this object is not there."""
        with self._lock:
            self._claims.pop((noun, name), None)
