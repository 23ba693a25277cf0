"""Statistics of the requests of a command, for ``--stats`` and for the demo."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping

from ..metrics import Histogram, MetricsCollector
from ..metrics.window import Slice

_COUNTS = ("attempts", "retries", "cache_hits", "cache_misses", "cache_stale", "bytes_received", "bytes_sent")
_CALL_FIGURES = ("count", "p50", "p95", "p99")


def cost_of(collectors: Iterable[MetricsCollector]) -> dict[str, Any]:
    """Return the totals of all clients: counts, waits, and the calls of each operation. Times are in seconds."""
    total = Slice(collector.totals()[0] for collector in collectors)
    calls = {name.partition(".")[2]: timing for name, timing in total.timings.items() if name.startswith("call.")}
    return {
        **{name: int(total.counters.get(name, 0)) for name in _COUNTS},
        **{f"{name}_s": total.timings.get(name, Histogram()).total for name in ("retry_wait", "throttle_wait")},
        "calls": {
            name: {figure: timing.summary()[figure] for figure in _CALL_FIGURES}
            for name, timing in sorted(calls.items())
        },
    }


def cost_as_text(cost: Mapping[str, Any]) -> Iterator[str]:
    """Yield the statistics as lines of text."""
    yield f"requests  {cost['attempts']}"
    yield f"retries   {cost['retries']}, waited {cost['retry_wait_s']:.1f} s"
    yield f"throttle  waited {cost['throttle_wait_s']:.1f} s"
    yield f"cache     {cost['cache_hits']} hits, {cost['cache_misses']} misses, {cost['cache_stale']} stale"
    yield f"bytes     {cost['bytes_received']:,} received, {cost['bytes_sent']:,} sent"
    width = max(map(len, cost["calls"]), default=0)
    for number, (name, figures) in enumerate(cost["calls"].items()):
        if number == 0:
            yield f"{'calls':{width + 10}}   count       p50       p95       p99"
        times = "  ".join(f"{figures[figure] * 1000:5.0f} ms" for figure in _CALL_FIGURES[1:])
        yield f"          {name.replace('.', ' '):{width}}  {figures['count']:6}  {times}"
