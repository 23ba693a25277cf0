"""Metrics of the last hours: timings with accurate percentiles, counters and gauges."""

from __future__ import annotations

from .collector import MetricsCollector, get_metrics_collector
from .histogram import Histogram
from .timing import MetricsMixin, timed, timed_context

__all__ = ["Histogram", "MetricsCollector", "MetricsMixin", "get_metrics_collector", "timed", "timed_context"]
