"""The commands for diagnostics: the health of the site, the metrics, and the cache."""

from __future__ import annotations

from typing import Any, Optional

from .command import TOOL, Argument, Command, Field, LazyModule

_diagnostics = LazyModule(".handlers.diagnostics", __package__)

COMMANDS = (
    Command(
        "health",
        "Show whether the site answers, and how fast. The result includes the state of the circuit breaker.",
        _diagnostics.health,
        tool="site_health",
        fields=(
            Field("ok", "True if the site answered.", bool),
            Field("checkmk", "The version of the site.", Optional[str]),
            Field("latency_s", "The response time in seconds.", float),
            Field(
                "breaker",
                "closed: calls are sent; open: calls fail at once, after too many failures; half_open: one is sent.",
            ),
            Field("error", "The reason why the site did not answer.", Optional[str], untrusted=True),
        ),
    ),
    Command(
        "doctor",
        "Check the connection to the site step by step: network, TLS, credentials, version, permissions, changes.",
        _diagnostics.doctor,
        columns=("check", "verdict", "said", "advice"),
        fields=(
            Field("check", "The name of the check."),
            Field("verdict", "ok, warning or failed."),
            Field("said", "The result of the check.", untrusted=True),
            Field("advice", "The advice for a problem."),
        ),
        faces=(TOOL,),  # the command line has its own doctor, which creates the client as a part of the checks
    ),
    Command(
        "metrics",
        "Show the metrics of this server for the last hours: calls with percentiles, rates, errors, cache, breaker.",
        _diagnostics.metrics,
        fields=(
            Field("window_s", "The period that the figures cover, in seconds.", float),
            Field("request_rate_per_second", "Calls per second.", float),
            Field("timings", "Seconds by name: count, mean, min, max, p50, p95, p99, per_second.", dict[str, Any]),
            Field("counters", "Counts by name.", dict[str, float]),
            Field("gauges", "Operations in progress, by name.", dict[str, float]),
            Field("error_rates", "The share of failed operations of each timing, from 0 to 1.", dict[str, float]),
            Field("cache", "The hits, misses and size of the cache.", dict[str, Any]),
            Field("breaker", "The state of the circuit breaker."),
        ),
        local=True,
        tool="get_server_metrics",
        faces=(TOOL,),  # the command line keeps no metrics and no cache between commands
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
        "Remove all cached answers, or only answers with keys that match a pattern. The site does not change.",
        _diagnostics.clear_cache,
        (
            Argument(
                "pattern",
                "Remove only keys that match this pattern, such as hosts:*web01*. Keys have the form noun:verb:path:….",
                example="hosts:*web01*",
            ),
        ),
        writes=True,
        local=True,
        idempotent=True,
        fields=(Field("forgotten", "The number of removed answers.", int),),
        tool="clear_cache",
        faces=(TOOL,),
    ),
)
