"""The measurements of the last hours, stored in slices of time so that old ones can be dropped."""

from __future__ import annotations

from typing import Iterable, Sequence

from .histogram import Histogram

OTHER = "other"  # the name that receives the values of names beyond the limit
RENAMED = "metrics_names_refused"  # the number of values recorded under OTHER
REFUSED = "metrics_values_refused"  # the number of NaN, infinite and negative values
LONGEST_NAME = 200


class Slice:
    """The timings and counters of one period of time."""

    __slots__ = ("counters", "timings")

    def __init__(self, parts: Iterable[Slice] = ()) -> None:
        self.timings: dict[str, Histogram] = {}
        self.counters: dict[str, float] = {}
        for part in parts:
            self.add(part)

    def add(self, other: Slice) -> None:
        """Add the timings and counters of another slice."""
        for name, timing in other.timings.items():
            self.time(name, timing)
        for name, count in other.counters.items():
            self.count(name, count)

    def time(self, name: str, timing: Histogram) -> None:
        """Add all values of a histogram to the timing ``name``."""
        self.timings.setdefault(name, Histogram()).merge(timing)

    def count(self, name: str, value: float) -> None:
        """Add ``value`` to the counter ``name``."""
        self.counters[name] = self.counters.get(name, 0) + value


class Window:
    """Slices of equal width on a fixed grid. A window is not thread-safe; the collector locks it.

    Only ``current`` is changed in place. Readers can therefore copy the list of slices under the lock and add them up
    without it. Values that are too old for the window are kept as a sum, because the counters of Prometheus must never
    decrease. A name without values in the window is removed from the sum.
    """

    def __init__(
        self, now: float, *, retention_hours: float, slices: int, cleanup_interval: float, max_names: int
    ) -> None:
        self.retention_s, self.slices, self.max_names = retention_hours * 3600.0, slices, max_names
        self.started = now
        self.current = Slice()
        self._cleanup_interval = cleanup_interval
        self._width = self.retention_s / slices
        self._number = int(now // self._width)
        self._held = {self._number: self.current}
        self._past = Slice()
        self._timings: set[str] = set()
        self._counters: set[str] = set()
        self._next_cleanup = now + cleanup_interval
        self.due = min((self._number + 1) * self._width, self._next_cleanup)

    def turn(self, now: float) -> None:
        """Start a new slice, clean up, or both. Called when ``now`` has reached ``due``."""
        number = int(now // self._width)
        if number != self._number:
            self._number, self.current = number, Slice()
            self._held[number] = self.current
        if now >= self._next_cleanup or len(self._held) > 2 * self.slices:
            self._clean_up(now)
        self.due = min((number + 1) * self._width, self._next_cleanup)

    def timing(self, name: str) -> Histogram:
        """Return the histogram that records ``name`` in the current slice, and create it if necessary."""
        return self.current.timings.setdefault(self._admitted(name, self._timings), Histogram())

    def counter(self, name: str) -> str:
        """Return the name under which to count: ``name``, or OTHER if it is beyond the limit."""
        return self._admitted(name, self._counters)

    def live(self, now: float) -> list[Slice]:
        """Return the slices within the retention. The caller must not change them."""
        return [*(part for number, part in self._before() if self._is_live(number, now)), Slice([self.current])]

    def all(self) -> list[Slice]:
        """Return all slices since the start, without unused names. The caller must not change them."""
        return [self._past, *(part for _, part in self._before()), Slice([self.current])]

    def since(self, now: float) -> float:
        """Return the time at which the period covered by :meth:`live` starts."""
        oldest = (int((now - self.retention_s) // self._width) + 1) * self._width
        return max(self.started, oldest)

    def aged(self, now: float) -> tuple[Slice, list[tuple[float, Slice]]]:
        """Return the sum of all values that are too old, and the slices with their ages in seconds.

        Ages are used because the times of a monotonic clock have no meaning in another process.
        """
        parts = [*self._before(), (self._number, Slice([self.current]))]
        return self._past, [(now - max(self.started, number * self._width), part) for number, part in parts]

    def absorb(self, past: Slice, aged: Sequence[tuple[float, Slice]], now: float) -> None:
        """Add the values of another window, as returned by its :meth:`aged`."""
        self._past = Slice([self._past, self._renamed(past)])
        for age, part in aged:
            number = min(self._number, int((now - age) // self._width))
            if number == self._number:
                self.current.add(self._renamed(part))
            else:
                self._held[number] = Slice([self._held.get(number, Slice()), self._renamed(part)])
            self.started = min(self.started, now - age)
        self._clean_up(now)

    @property
    def size(self) -> dict[str, int]:
        """The number of slices and names in memory."""
        return {"slices": len(self._held), "names": len(self._timings) + len(self._counters)}

    def _before(self) -> list[tuple[int, Slice]]:
        """Return the slices before the current one, with their numbers on the grid."""
        return [(number, part) for number, part in self._held.items() if number != self._number]

    def _is_live(self, number: int, now: float) -> bool:
        # Compared with the start of the slice, so that no shown value is older than the retention.
        return number * self._width + self.retention_s > now

    def _admitted(self, name: str, known: set[str]) -> str:
        if name in known:
            return name
        has_room = len(known) < self.max_names and len(name) <= LONGEST_NAME
        if not (has_room or name in (OTHER, REFUSED, RENAMED)):
            self._counters.add(RENAMED)
            self.current.count(RENAMED, 1)
            name = OTHER
        known.add(name)
        return name

    def _renamed(self, part: Slice) -> Slice:
        """Return a copy of a slice, with OTHER instead of names beyond the limit."""
        renamed = Slice()
        for name, timing in part.timings.items():
            renamed.time(self._admitted(name, self._timings), timing)
        for name, count in part.counters.items():
            renamed.count(self._admitted(name, self._counters), count)
        return renamed

    def _clean_up(self, now: float) -> None:
        old = [number for number, _ in self._before() if not self._is_live(number, now)]
        past = Slice([self._past, *(self._held.pop(number) for number in old)])
        self._timings = {name for part in self._held.values() for name in part.timings}
        self._counters = {name for part in self._held.values() for name in part.counters}
        past.timings = {name: timing for name, timing in past.timings.items() if name in self._timings}
        past.counters = {name: count for name, count in past.counters.items() if name in self._counters}
        self._past = past
        self._next_cleanup = now + self._cleanup_interval
