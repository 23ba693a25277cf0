"""Export metrics to Prometheus: a collector for its registry, and the text format for a scrape.

This module needs the extra ``prometheus``, which is imported on first use. Counters and histograms contain all values
since the start, because Prometheus requires that they never decrease. Use Prometheus's ``rate()`` for a period of time.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Mapping, NamedTuple, Union

from ..errors import MissingExtraError
from .collector import MetricsCollector

if TYPE_CHECKING:
    from prometheus_client.core import Metric

Source = Union[MetricsCollector, Mapping[str, MetricsCollector]]

# From 1 ms to 512 s. Powers of two are bucket borders of Histogram, so these counts are exact.
_POWERS = range(-10, 10)


class _Row(NamedTuple):
    """A family of Prometheus metrics. ``name`` is a pattern for the collector's names that belong to it.

    Each ``{…}`` in the pattern becomes a label.
    """

    name: str
    family: str
    help: str

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(re.findall(r"{(\w+)}", self.name))


@functools.cache
def _rows(kind: str) -> tuple[_Row, ...]:
    """Return the families of a kind from the table. A name belongs to the first one that matches."""
    from ..core.data_files import rows  # not at the top, because only an export needs the table

    found = (row for row in rows(__file__, "prometheus") if row["kind"] == kind)
    return tuple(_Row(row["name"], row["family"], row["help"]) for row in found)


class Collector:
    """A collector for a registry of prometheus_client: ``registry.register(Collector(cmk.collector))``.

    A registry accepts only one Collector. For several sites, create it with a mapping of site names to metrics
    collectors, which adds the label ``site``. Raises MissingExtraError if the extra ``prometheus`` is not installed.
    """

    def __init__(self, source: Source, *, prefix: str = "checkmk_sync") -> None:
        _families()
        self._source, self._prefix = source, prefix

    def describe(self) -> Iterable[Metric]:
        """Return all families, without values."""
        return self._new().values()

    def collect(self) -> Iterator[Metric]:
        """Return the families that have values, with their values."""
        families = self._new()
        sources = self._source.items() if isinstance(self._source, Mapping) else [(None, self._source)]
        for site, collector in sources:
            site_label = [] if site is None else [site]
            whole, gauges = collector.totals()
            for name, timing in sorted(whole.timings.items()):
                row, labels = _match("histogram", name)
                counts = zip((str(2.0**power) for power in _POWERS), timing.up_to(_POWERS))
                families[row].add_metric([*site_label, *labels], [*counts, ("+Inf", timing.count)], timing.total)
            for kind, values in (("counter", whole.counters), ("gauge", gauges)):
                for name, value in sorted(values.items()):
                    row, labels = _match(kind, name)
                    families[row].add_metric([*site_label, *labels], value)
        return (family for family in families.values() if family.samples)

    def _new(self) -> dict[_Row, Any]:
        core = _families()
        site_label = ("site",) if isinstance(self._source, Mapping) else ()
        return {
            row: make(f"{self._prefix}_{row.family}", row.help, labels=(*site_label, *row.labels))
            for kind, make in (
                ("histogram", core.HistogramMetricFamily),
                ("counter", core.CounterMetricFamily),
                ("gauge", core.GaugeMetricFamily),
            )
            for row in _rows(kind)
        }


def exposition(source: Source) -> str:
    """Return the metrics in Prometheus's text format.

    Raises MissingExtraError if the extra ``prometheus`` is not installed.
    """
    collector = Collector(source)  # before the import, because it raises a helpful error if the extra is missing
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry).decode("utf-8")


def _families() -> Any:
    try:
        from prometheus_client import core
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        raise MissingExtraError("the export to Prometheus", "prometheus") from error
    return core


def _match(kind: str, name: str) -> tuple[_Row, tuple[str, ...]]:
    """Return the first row that matches, and the values of its labels. The last row of each kind matches any name."""
    name = name.encode("utf-8", "backslashreplace").decode()  # Prometheus needs UTF-8, which lone surrogates are not
    rows = _rows(kind)
    for row in rows[:-1]:
        part = ".+" if row.name.startswith("{name}") else "[^.]+"
        match = re.fullmatch(re.sub(r"{\w+}", f"({part})", row.name.replace(".", r"\.")), name)
        if match:
            return row, match.groups()
    return rows[-1], (name,)
