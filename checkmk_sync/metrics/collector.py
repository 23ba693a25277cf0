"""A thread-safe collector of measurements, with statistics of the last hours in bounded memory."""

from __future__ import annotations

import contextlib
import math
import threading
from typing import Any, Iterator, Mapping, Optional

from ..core.clock import Clock, SystemClock
from ..core.fork import ForkSafe
from .histogram import Histogram
from .window import LONGEST_NAME, OTHER, REFUSED, RENAMED, Slice, Window


class MetricsCollector(ForkSafe):
    """Collects measurements from any thread. Timings are in seconds.

    Timings and counters cover the last ``retention_hours``. This period is divided into ``slices`` of equal length, and
    all values of a slice are dropped together. A value is therefore dropped when it is ``retention_hours`` old, or up
    to one slice earlier. Gauges keep the last value that was set.

    The memory of old values and unused names is freed every ``cleanup_interval`` seconds. Recording and reading do
    this, without a background thread.

    The collector keeps at most ``max_names`` timings, as many counters and as many gauges. Values for further names are
    recorded under the name "other" and counted as ``metrics_names_refused``. This also applies to names longer than 200
    characters. NaN, infinite values, and negative timings and counts are not recorded, but counted as
    ``metrics_values_refused``.

    A pickled collector is a snapshot. The unpickled collector uses the system's clock. After a fork, the child's
    collector starts empty.
    """

    # Reentrant, because the garbage collector may interrupt any line here and close an abandoned stream, which then
    # records its bytes in this collector.
    LOCKS = (("_lock", threading.RLock),)

    def __init__(
        self,
        retention_hours: float = 24.0,
        *,
        cleanup_interval: float = 3600.0,
        slices: int = 24,
        max_names: int = 1000,
        clock: Optional[Clock] = None,
    ) -> None:
        if not (0.0 < retention_hours < math.inf and cleanup_interval >= 0.0 and slices >= 1 and max_names >= 1):
            raise ValueError(
                "retention_hours must be above 0 and finite, cleanup_interval at least 0, "
                "and slices and max_names at least 1"
            )
        self._options: dict[str, Any] = {
            "retention_hours": retention_hours,
            "cleanup_interval": cleanup_interval,
            "slices": slices,
            "max_names": max_names,
        }
        self.clock: Clock = clock or SystemClock()
        self._now = self.clock.monotonic
        super().__init__()

    def reset_after_fork(self) -> None:
        """Start empty, because the measurements from before a fork belong to the parent process."""
        super().reset_after_fork()
        self._gauges: dict[str, float] = {}
        self._window = Window(self._now(), **self._options)

    def record_timing(self, name: str, seconds: float) -> None:
        """Add one duration to the timing ``name``."""
        # Counted instead of raised, because a measurement must not break the measured code.
        if not 0.0 <= seconds < math.inf:
            self.increment_counter(REFUSED)
            return
        with self._lock:
            window = self._window if self._now() < self._window.due else self._turned()  # saves a call
            (window.current.timings.get(name) or window.timing(name)).record(seconds)

    def increment_counter(self, name: str, value: float = 1) -> None:
        """Add ``value`` to the counter ``name``."""
        self.increment_counters({name: value})

    def increment_counters(self, values: Mapping[str, float]) -> None:
        """Add to several counters under one lock, which is faster than one call for each."""
        with self._lock:
            window = self._window if self._now() < self._window.due else self._turned()
            counters = window.current.counters
            for name, value in values.items():
                kept, added = (name, value) if 0.0 <= value < math.inf else (REFUSED, 1)
                if kept not in counters:
                    kept = window.counter(kept)
                counters[kept] = counters.get(kept, 0) + added

    def record_operation(self, name: str, seconds: float, *, success: bool = True) -> None:
        """Add one duration to the timing ``name``, and count a failure as ``<name>.errors``."""
        if not success:
            self.increment_counter(f"{name}.errors")
        self.record_timing(name, seconds)

    def set_gauge(self, name: str, value: float) -> None:
        """Set the gauge ``name`` to ``value``."""
        self._gauge(name, value, 0.0)

    @contextlib.contextmanager
    def in_progress(self, name: str) -> Iterator[None]:
        """Increase the gauge ``name`` by one for the duration of the block."""
        self._gauge(name, 1.0)
        try:
            yield
        finally:
            self._gauge(name, -1.0)

    def counter(self, name: str) -> float:
        """Return the count of the last ``retention_hours``, or 0 if nothing was counted."""
        with self._lock:
            return sum(part.counters.get(name, 0) for part in self._turned().live(self._now()))

    def merged(self, prefix: str) -> dict[str, Any]:
        """Return one :meth:`Histogram.summary` of all timings whose names start with ``prefix``."""
        total = Histogram()
        for part in self._read()[0]:
            for name, timing in part.timings.items():
                if name.startswith(prefix):
                    total.merge(timing)
        return total.summary()

    def get_stats(self) -> dict[str, Any]:
        """Return a snapshot of all statistics as plain data.

        - ``window_s``: the number of seconds that the statistics cover
        - ``timings``: count, mean, min, max, p50, p95, p99, p999 and per_second of each timing
        - ``counters`` and ``gauges``: the value of each counter and gauge
        - ``rates``: the value of each counter per second
        - ``error_rates``: the share of failures of each timing, from 0 to 1
        - ``request_rate_per_second``: the operations of all timings per second, except waits (named ``…_wait``)
        - ``held``: the number of slices and names in memory
        """
        parts, gauges, window_s, held = self._read()
        whole = Slice(parts)
        timings, counters = sorted(whole.timings.items()), dict(sorted(whole.counters.items()))
        operations = {name: timing.count for name, timing in timings if not name.endswith("_wait")}

        def per_second(count: float) -> float:
            return count / window_s if window_s > 0.0 else 0.0

        return {
            "window_s": window_s,
            "request_rate_per_second": per_second(sum(operations.values())),
            "timings": {name: {**timing.summary(), "per_second": per_second(timing.count)} for name, timing in timings},
            "counters": counters,
            "gauges": dict(sorted(gauges.items())),
            "rates": {name: per_second(count) for name, count in counters.items()},
            "error_rates": {
                name: min(1.0, counters.get(f"{name}.errors", 0) / count) for name, count in operations.items()
            },
            "held": held,
        }

    def totals(self) -> tuple[Slice, dict[str, float]]:
        """Return the timings and counters since the start, and the gauges, for Prometheus.

        Prometheus requires counters that never decrease. A name without values in ``retention_hours`` is omitted. If it
        is used again later, it starts at zero.
        """
        with self._lock:
            parts, gauges = self._turned().all(), dict(self._gauges)
        return Slice(parts), gauges

    def merge(self, other: MetricsCollector) -> None:
        """Add the values of another collector, such as the collector of a worker process.

        Values keep their age. The other collector's gauges replace gauges with the same name.
        """
        self._absorb(other.__getstate__())

    def drain(self) -> MetricsCollector:
        """Move all timings and counters into a new collector and return it. Gauges are copied.

        A worker process can drain its collector regularly and send the new collector to another process. No value is
        lost or counted twice.
        """
        drained = MetricsCollector(**self._options, clock=self.clock)
        with self._lock:
            drained._window, self._window = self._window, drained._window
            drained._gauges = dict(self._gauges)
        return drained

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            past, aged = self._turned().aged(self._now())
            return {"options": self._options, "past": past, "aged": aged, "gauges": dict(self._gauges)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state["options"])  # type: ignore[misc]
        self._absorb(state)

    def _absorb(self, state: dict[str, Any]) -> None:
        with self._lock:
            self._turned().absorb(state["past"], state["aged"], self._now())
            for name, value in state["gauges"].items():
                self.set_gauge(name, value)

    def _turned(self) -> Window:
        now = self._now()
        if now >= self._window.due:
            self._window.turn(now)
        return self._window

    def _read(self) -> tuple[list[Slice], dict[str, float], float, dict[str, int]]:
        """Return the slices, the gauges, the number of seconds covered, and the number of slices and names.

        Callers add up the slices without the lock, so that reading does not delay recording.
        """
        with self._lock:
            window, now = self._turned(), self._now()
            return window.live(now), dict(self._gauges), now - window.since(now), window.size

    def _gauge(self, name: str, value: float, keep: float = 1.0) -> None:
        """Add ``value`` to the gauge, or set the gauge to ``value`` if ``keep`` is 0."""
        with self._lock:
            if not math.isfinite(value):
                self.increment_counter(REFUSED)
                return
            has_room = len(self._gauges) < self._window.max_names and len(name) <= LONGEST_NAME
            if not (name in self._gauges or has_room):
                self.increment_counter(RENAMED)
                name = OTHER
            self._gauges[name] = keep * self._gauges.get(name, 0.0) + value


_default = MetricsCollector()


def get_metrics_collector() -> MetricsCollector:
    """Return the collector of this process, which records all measurements that do not belong to a client."""
    return _default
