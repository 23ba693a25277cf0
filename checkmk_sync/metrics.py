"""Measuring: timings with true percentiles, counters and gauges."""

from __future__ import annotations

import math
import threading
from typing import Any, Optional

from .clock import Clock, SystemClock

__all__ = ["Histogram", "MetricsCollector"]

# Bucket n holds the values up to GAMMA**n; its middle is at most 1 % away from any of them.
_GAMMA = 1.02
_LOG_GAMMA = math.log(_GAMMA)
_SMALLEST = 1e-9


class Histogram:
    """Counts of values in buckets that grow by 2 %: small, mergeable, percentiles within 1 %."""

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.least = math.inf
        self.most = -math.inf
        self._buckets: dict[int, int] = {}

    def record(self, value: float) -> None:
        """Add one value; below a billionth counts as that."""
        self.count += 1
        self.total += value
        self.least = min(self.least, value)
        self.most = max(self.most, value)
        index = math.ceil(math.log(max(value, _SMALLEST)) / _LOG_GAMMA)
        self._buckets[index] = self._buckets.get(index, 0) + 1

    def merge(self, other: Histogram) -> None:
        """Add all values of another histogram."""
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)
        for index, count in other._buckets.items():
            self._buckets[index] = self._buckets.get(index, 0) + count

    def percentile(self, percent: float) -> Optional[float]:
        """The value below which ``percent`` of all values lie; None when there are none."""
        rank = percent / 100.0 * self.count
        seen = 0
        for index in sorted(self._buckets):
            seen += self._buckets[index]
            if seen >= rank:
                middle = 2.0 * _GAMMA**index / (1.0 + _GAMMA)
                return min(max(middle, self.least), self.most)
        return None

    def summary(self) -> dict[str, Any]:
        """Count, mean, min, max, p50, p95 and p99; None where there is no value."""
        some = self.count > 0
        return {
            "count": self.count,
            "mean": self.total / self.count if some else None,
            "min": self.least if some else None,
            "max": self.most if some else None,
            "p50": self.percentile(50),
            "p95": self.percentile(95),
            "p99": self.percentile(99),
        }


class MetricsCollector:
    """Collects from any thread; :meth:`get_stats` is a snapshot. Timings are seconds."""

    def __init__(self, *, clock: Optional[Clock] = None) -> None:
        self._clock: Clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._timings: dict[str, Histogram] = {}
        self._counters: dict[str, float] = {}
        self._gauges: dict[str, float] = {}

    def record_timing(self, name: str, seconds: float) -> None:
        """Add one duration to the timing ``name``."""
        with self._lock:
            self._timings.setdefault(name, Histogram()).record(seconds)

    def increment_counter(self, name: str, value: float = 1) -> None:
        """Add ``value`` to the counter ``name``."""
        with self._lock:
            self._counters[name] = self._counters.get(name, 0) + value

    def set_gauge(self, name: str, value: float) -> None:
        """Set what the gauge ``name`` shows now."""
        with self._lock:
            self._gauges[name] = value

    def counter(self, name: str) -> float:
        """The counter's value; 0 when nothing was counted."""
        with self._lock:
            return self._counters.get(name, 0)

    def merged(self, prefix: str) -> dict[str, Any]:
        """One summary of all timings whose name starts with ``prefix``."""
        total = Histogram()
        with self._lock:
            for name, timing in self._timings.items():
                if name.startswith(prefix):
                    total.merge(timing)
        return total.summary()

    def get_stats(self) -> dict[str, Any]:
        """``{"timings": {name: summary}, "counters": {…}, "gauges": {…}}`` as of now."""
        with self._lock:
            return {
                "timings": {name: timing.summary() for name, timing in sorted(self._timings.items())},
                "counters": dict(sorted(self._counters.items())),
                "gauges": dict(sorted(self._gauges.items())),
            }
