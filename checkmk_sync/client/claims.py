"""Records which call of a client creates which objects, so that a call can tell its own objects from others."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass
from typing import Iterable, Iterator, Optional

from ..core.clock import Clock
from ..core.fork import ForkSafe


@dataclass(eq=False)
class Claim:
    """The objects that one call creates. ``name in claim`` is True as long as no other call creates that object too.

    ``ended`` is the time at which the call returned, or None while it runs.
    """

    names: set[str]
    ended: Optional[float] = None

    def __contains__(self, name: str) -> bool:
        return name in self.names


class Claims(ForkSafe):
    """The objects that calls of a client are creating, or have created in the last few seconds.

    If two calls of a client send the same object, finding it at the site does not show which of them created it.
    """

    # The claims of an ended call are dropped after KEPT_S seconds, or earlier if there are more than KEPT.
    KEPT_S, KEPT = 5.0, 20_000

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._claims: dict[tuple[str, str], Claim] = {}

    @contextlib.contextmanager
    def claim(self, noun: str, names: Iterable[str]) -> Iterator[Claim]:
        """Yield a claim on the objects that the block creates. If the block raises an error, the claim is dropped.

        If two calls claim the same name at the same time or within a few seconds, both claims lose that name, because
        neither call can tell which of them created the object.
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
                    self._claims[key] = self._claims.pop(key)  # keeps the dictionary in the order of the ends

    def _is_over(self, claim: Claim) -> bool:
        return claim.ended is not None and claim.ended < self._clock.monotonic() - self.KEPT_S

    def _drop_old(self, number: int) -> None:
        """Check the ``number`` oldest claims, and drop each one that is over.

        ``number`` is larger than the number of claims that the caller adds, so that old claims do not accumulate.
        """
        for key, claim in list(itertools.islice(self._claims.items(), number)):
            if self._is_over(claim) or (claim.ended is not None and len(self._claims) > self.KEPT):
                del self._claims[key]

    def discard(self, noun: str, name: str) -> None:
        """Forget the claim on an object that is being deleted."""
        with self._lock:
            self._claims.pop((noun, name), None)
