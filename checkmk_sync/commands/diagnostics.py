"""Commands of the program itself: what it measures and keeps, and whether it can use the site."""

from __future__ import annotations

from typing import Any, Optional

from .command import TOOL, Argument, Command, Field, LazyModule

__all__ = ["DIAGNOSTIC_COMMANDS"]

_diagnostics = LazyModule(".handlers.diagnostics", __package__)

DIAGNOSTIC_COMMANDS = (
    Command(
        "health",
        "Show whether the site answers, its response time, and the state of the circuit breaker.",
        _diagnostics.health,
        tool="site_health",
        fields=(
            Field("ok", "True when the site answered.", bool),
            Field("checkmk", "Its version.", Optional[str]),
            Field("latency_s", "Response time in seconds.", float),
            Field("breaker", "closed: calls go out; open: the site failed too often; half_open: one is tried."),
            Field("error", "Why it did not answer.", Optional[str], untrusted=True),
        ),
    ),
    Command(
        "doctor",
        "Check the connection to the site step by step: network, TLS, credentials, version, permissions, changes.",
        _diagnostics.doctor,
        columns=("check", "verdict", "said", "advice"),
        fields=(
            Field("check", "Name of the check."),
            Field("verdict", "ok, warning or failed."),
            Field("said", "Result of the check.", untrusted=True),
            Field("advice", "What to do about it."),
        ),
        faces=(TOOL,),  # the doctor of the command line needs no client
    ),
    Command(
        "metrics",
        "Show the metrics of this server for the last hours: calls with percentiles, rates, errors, cache, breaker.",
        _diagnostics.metrics,
        fields=(
            Field("window_s", "How many seconds the figures cover.", float),
            Field("request_rate_per_second", "Calls a second.", float),
            Field("timings", "Seconds by name: count, mean, min, max, p50, p95, p99, per_second.", dict[str, Any]),
            Field("counters", "Counts by name.", dict[str, float]),
            Field("gauges", "Operations in progress, by name.", dict[str, float]),
            Field("error_rates", "Failures among the operations of a timing, from 0 to 1.", dict[str, float]),
            Field("cache", "Hits, misses and size of the cache.", dict[str, Any]),
            Field("breaker", "State of the circuit breaker."),
        ),
        local=True,
        tool="get_server_metrics",
        faces=(TOOL,),  # a command line keeps no metrics and no cache between two commands
    ),
    Command(
        "cache stats",
        "Show hits, misses and size of the response cache.",
        _diagnostics.cache_stats,
        local=True,
        faces=(TOOL,),
    ),
    Command(
        "cache clear",
        "Clear cached answers: all, or only keys that match a pattern. Changes nothing on the site.",
        _diagnostics.clear_cache,
        (Argument("pattern", "Keys noun:verb:path:…, such as hosts:*web01*.", example="hosts:*web01*"),),
        writes=True,
        local=True,
        idempotent=True,
        fields=(Field("forgotten", "Number of removed answers.", int),),
        tool="clear_cache",
        faces=(TOOL,),
    ),
)
