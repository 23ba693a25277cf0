"""The code of the diagnostic commands."""

from __future__ import annotations

from typing import Iterator, Optional

from ...client.checkmk import Checkmk
from ..command import FailureRow, Row, as_arguments
from ..doctor import diagnose


def health(client: Checkmk) -> Row:
    report = client.health()
    row = {
        "ok": report.ok,
        "checkmk": report.version.checkmk if report.version else None,
        "latency_s": round(report.latency_s, 4),
        "breaker": report.breaker.value,
        "error": None if report.error is None else str(report.error),
    }
    return row if report.error is None else FailureRow(report.error, row)


def doctor(client: Checkmk) -> Iterator[Row]:
    # This command is declared as read-only, so it does not even send the write that changes nothing.
    for finding in diagnose(client.settings, try_writes=False):
        yield {**finding.to_dict(), "advice": as_arguments(finding.advice)}


def metrics(client: Checkmk) -> Row:
    return dict(client.metrics())


def cache_stats(client: Checkmk) -> Row:
    return dict(client.metrics()["cache"])


def clear_cache(client: Checkmk, pattern: Optional[str]) -> Row:
    forgotten = client.invalidate_cache_pattern(pattern or "*")
    if pattern is None:
        client.clear_cache()
    return {"forgotten": forgotten}
