"""Verbs of the program itself: what it measures and keeps, and how it stands with the site."""

from __future__ import annotations

from typing import Any, Iterator, Optional

from ..client.checkmk import Checkmk
from ..config.settings import Settings
from .command import TOOL, Argument, Command, FailureRow, Field, Row
from .doctor import diagnose
from .wording import as_arguments

__all__ = ["DIAGNOSTIC_COMMANDS"]


def _health(client: Checkmk) -> Row:
    found = client.health()
    row = {
        "ok": found.ok,
        "checkmk": found.version.checkmk if found.version else None,
        "latency_s": round(found.latency_s, 4),
        "breaker": found.breaker.value,
        "error": None if found.error is None else str(found.error),
    }
    return row if found.error is None else FailureRow(found.error, row)


def _doctor(client: Checkmk) -> Iterator[Row]:
    settings: Settings = client.settings
    # A verb that only reads sends no write, not even one that changes nothing.
    for finding in diagnose(settings, try_writes=False):
        row = finding.to_dict()
        yield {**row, "advice": as_arguments(str(row["advice"]))}


def _clear(client: Checkmk, pattern: Optional[str]) -> Row:
    forgotten = client.invalidate_cache_pattern(pattern or "*")
    if pattern is None:
        client.clear_cache()
    return {"forgotten": forgotten}


def _cache(client: Checkmk) -> Row:
    stats: Row = dict(client.metrics()["cache"])
    return stats


_TOOL_ONLY: dict[str, Any] = {"faces": (TOOL,)}  # a command line measures and keeps nothing between two commands

DIAGNOSTIC_COMMANDS = (
    Command(
        "",
        "health",
        "Show whether the site answers, its response time, and the state of the circuit breaker.",
        "checkmk-sync health",
        _health,
        tool="site_health",
        fields=(
            Field("ok", "True when the site answered.", bool),
            Field("checkmk", "Its version.", Optional[str]),
            Field("latency_s", "Response time in seconds.", float),
            Field("breaker", "closed: calls go out; open: the site failed too often; half_open: one is tried."),
            Field("error", "Why it did not answer.", Optional[str], foreign=True),
        ),
    ),
    Command(
        "",
        "doctor",
        "Check the connection to the site step by step: network, TLS, credentials, version, permissions, changes.",
        "checkmk-sync doctor",
        _doctor,
        columns=("check", "verdict", "said", "advice"),
        fields=(
            Field("check", "Name of the check."),
            Field("verdict", "ok, warning or failed."),
            Field("said", "Result of the check.", foreign=True),
            Field("advice", "What to do about it."),
        ),
        **_TOOL_ONLY,  # the command line has a doctor of its own, which needs no client
    ),
    Command(
        "",
        "metrics",
        "Show the metrics of this server for the last hours: calls with percentiles, rates, errors, cache, breaker.",
        "checkmk-sync metrics",
        lambda client: dict(client.metrics()),
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
        **_TOOL_ONLY,
    ),
    Command(
        "cache",
        "stats",
        "Show hits, misses and size of the response cache.",
        "checkmk-sync cache stats",
        _cache,
        local=True,
        tool="cache_stats",
        **_TOOL_ONLY,
    ),
    Command(
        "cache",
        "clear",
        "Clear cached answers: all, or only keys that match a pattern. Changes nothing on the site.",
        "checkmk-sync cache clear",
        _clear,
        (Argument("pattern", "Keys noun:verb:path:…, such as hosts:*web01*.", example="hosts:*web01*"),),
        writes=True,
        local=True,
        idempotent=True,
        fields=(Field("forgotten", "Number of removed answers.", int),),
        tool="clear_cache",
        **_TOOL_ONLY,
    ),
)
