"""The code of the commands that concern the entire site."""

from __future__ import annotations

from typing import Iterator, Optional, Sequence

from ...client.checkmk import Checkmk
from ...client.nouns.discovery import DiscoveryResult
from ..command import Row
from .search import matching

# Services are counted for at most this many hosts, because each host takes two requests and the site may contact it.
MAX_COUNTED = 20


def discover(client: Checkmk, hosts: Sequence[str], remove_vanished: bool) -> Row:
    names = list(dict.fromkeys(hosts))
    before = client.discovery.results(names) if len(names) <= MAX_COUNTED else {}
    result = client.discovery.bulk(names, remove_vanished=remove_vanished)
    result.raise_for_failure()
    after = client.discovery.results(before)
    row: Row = {"hosts": len(result.hosts), "state": "finished" if result.job is None else result.job.state}
    counts = [_counts(before[name], after[name]) for name in after]
    for position, change in enumerate(("new", "vanished", "unchanged")):
        row[change] = sum(numbers[position] for numbers in counts) if counts else None
    not_counted = [name for name in names if name not in after]
    if len(names) > MAX_COUNTED:
        row["note"] = f"no counts for more than {MAX_COUNTED} hosts"
    elif not_counted:
        row["note"] = f"not counted: {', '.join(not_counted)}"
    return row


def _counts(before: DiscoveryResult, after: DiscoveryResult) -> tuple[int, int, int]:
    """Return the numbers of services that are new, vanished, and monitored as before."""
    old, new = ({*result.in_phase("monitored"), *result.in_phase("changed")} for result in (before, after))
    vanished = (old | {*before.in_phase("vanished")}) - new
    return len(new - old), len(vanished | {*after.in_phase("vanished")}), len(new & old)


def pending(client: Checkmk, search: Optional[str]) -> Iterator[Row]:
    rows = (
        {"time": change.time, "user": change.user, "action": change.action, "text": change.text}
        for change in client.activation.pending()
    )
    return matching(rows, search, "user", "action", "text")


def activate(client: Checkmk, force_foreign: bool, timeout: int, approved: Optional[Sequence[str]] = None) -> Row:
    known = frozenset(approved or ())
    is_approved = None if approved is None else lambda change: change.id in known
    result = client.activation.activate(force_foreign_changes=force_foreign, timeout_s=timeout, approved=is_approved)
    return {"activated": len(result.activated), "seconds": round(result.elapsed_s, 1)}


def version(client: Checkmk) -> Row:
    version = client.version()
    return {"checkmk": version.checkmk, "edition": version.edition, "site": version.site}
