"""A small, mergeable histogram with buckets that grow by 1 %, for percentiles within 1 %."""

from __future__ import annotations

import math
from array import array
from math import ceil, log2
from typing import Any, Optional, Sequence

__all__ = ["Histogram"]

# Bucket n counts the values above 2**((n - 1) / 64), up to and including 2**(n / 64). The middle of a bucket is at most
# 0.55 % away from each of its values, and powers of two are exact bucket borders. Measured: log2 and ceil take 50 ns,
# reading the mantissa with frexp takes 150 ns.
_PER_OCTAVE = 64
_GROWTH: float = 2.0 ** (1.0 / _PER_OCTAVE)
_SMALLEST = 1e-9
_LOWEST = ceil(log2(_SMALLEST) * _PER_OCTAVE)
# Enough for 33 decades, in 56 KiB. If values span more, the lowest buckets are merged, so high values stay accurate.
_MOST_BUCKETS = 112 * _PER_OCTAVE


class Histogram:
    """The distribution of any number of values in at most 57 KiB. Percentiles are accurate to 0.55 %.

    A histogram is not thread-safe: threads that share one must lock it.
    """

    __slots__ = ("_buckets", "_first", "count", "least", "most", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.least = math.inf
        self.most = -math.inf
        self._first = 0  # the number of the lowest bucket
        self._buckets = array("Q")

    def record(self, value: float) -> None:
        """Add one value. Raises ValueError for NaN, infinite and negative values.

        Values up to 1e-9 share one bucket, so percentiles do not distinguish them.
        """
        if not 0.0 <= value < math.inf:
            raise ValueError(f"a value must be finite and at least 0, not {value!r}")
        self.count += 1
        self.total += value
        if value < self.least:
            self.least = value
        if value > self.most:
            self.most = value
        number = ceil(log2(value) * _PER_OCTAVE) if value > _SMALLEST else _LOWEST
        place = number - self._first
        if not 0 <= place < len(self._buckets):
            place = self._room_for(number)
        self._buckets[place] += 1

    def _room_for(self, number: int) -> int:
        """Make room for a bucket and return its index. If there are too many buckets, the lowest ones are merged."""
        # Grow by octaves of 64 buckets, so that a histogram is seldom reallocated.
        low, high = (number - 1) // _PER_OCTAVE * _PER_OCTAVE + 1, -(-number // _PER_OCTAVE) * _PER_OCTAVE
        if self._buckets:
            low, high = min(low, self._first), max(high, self._first + len(self._buckets) - 1)
        low = max(low, high - _MOST_BUCKETS + 1)
        old, cut = self._buckets, max(0, low - self._first)
        kept = old[cut:]
        before = bytes(8 * max(0, self._first - low)) if kept else b""
        self._buckets = array("Q", before) + kept
        self._buckets.frombytes(bytes(8 * (high - low + 1 - len(self._buckets))))
        self._buckets[0] += sum(old[:cut])
        self._first = low
        return max(0, number - low)

    def merge(self, other: Histogram) -> None:
        """Add all values of another histogram."""
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)
        if not other._buckets:
            return
        self._room_for(other._first + len(other._buckets) - 1)
        self._room_for(other._first)
        shift = other._first - self._first
        for place, count in enumerate(other._buckets):
            if count:
                self._buckets[max(0, place + shift)] += count

    def copy(self) -> Histogram:
        """Return an independent histogram with the same values."""
        twin = Histogram()
        twin.count, twin.total, twin.least, twin.most = self.count, self.total, self.least, self.most
        twin._first, twin._buckets = self._first, self._buckets[:]
        return twin

    def percentile(self, percent: float) -> Optional[float]:
        """Return one percentile, or None if there are no values. ``percent`` is from 0 to 100."""
        return self.percentiles([percent])[0]

    def percentiles(self, percents: Sequence[float]) -> list[Optional[float]]:
        """Return several percentiles in one pass. ``percents`` must ascend. Without values, each percentile is None."""
        values: list[Optional[float]] = []
        place, seen = -1, 0
        for percent in percents:
            rank = max(1, ceil(round(percent * self.count / 100.0, 6)))
            while seen < rank and place + 1 < len(self._buckets):
                place += 1
                seen += self._buckets[place]
            values.append(self._middle(place) if self.count else None)
        return values

    def _middle(self, place: int) -> float:
        upper: float = 2.0 ** ((self._first + place) / _PER_OCTAVE)
        return min(max(2.0 * upper / (1.0 + _GROWTH), self.least), self.most)

    def up_to(self, powers: Sequence[int]) -> list[int]:
        """Return, for each of ``powers``, the number of values that are at most ``2**power``."""
        return [sum(self._buckets[: max(0, power * _PER_OCTAVE - self._first + 1)]) for power in powers]

    def summary(self) -> dict[str, Any]:
        """Return count, mean, min, max, p50, p95, p99 and p999. All but the count are None if there are no values."""
        mean, least, most = (self.total / self.count, self.least, self.most) if self.count else (None, None, None)
        percentiles = dict(zip(("p50", "p95", "p99", "p999"), self.percentiles([50.0, 95.0, 99.0, 99.9])))
        return {"count": self.count, "mean": mean, "min": least, "max": most, **percentiles}
