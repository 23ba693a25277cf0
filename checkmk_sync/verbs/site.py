"""Verbs of the site as a whole."""

from __future__ import annotations

from typing import Iterator, Optional, Sequence

from ..client import Checkmk
from ..resources.discovery import DiscoveryResult
from . import previews
from .verb import MANY_HOSTS, Argument, Field, Row, Verb

__all__ = ["SITE_VERBS"]


COUNTED = 20  # hosts. Each takes two requests, for which the site may have to contact it.


def _discover(client: Checkmk, hosts: Sequence[str], remove_vanished: bool) -> Row:
    names = list(dict.fromkeys(hosts))
    before = client.discovery.results(names) if len(names) <= COUNTED else {}
    done = client.discovery.bulk(names, remove_vanished=remove_vanished)
    done.raise_for_failure()
    after = client.discovery.results(before)
    row: Row = {"hosts": len(done.hosts), "state": "finished" if done.job is None else done.job.state}
    counts = [_counts(before[name], after[name]) for name in after]
    for position, what in enumerate(("new", "vanished", "unchanged")):
        row[what] = sum(numbers[position] for numbers in counts) if counts else None
    left = [name for name in names if name not in after]
    if left:
        many = f"no counts for more than {COUNTED} hosts"
        row["note"] = many if len(names) > COUNTED else f"not counted: {', '.join(left)}"
    return row


def _counts(before: DiscoveryResult, after: DiscoveryResult) -> tuple[int, int, int]:
    """Return how many services are new, vanished, and monitored as before."""
    was, is_now = ({*found.in_phase("monitored"), *found.in_phase("changed")} for found in (before, after))
    gone = (was | {*before.in_phase("vanished")}) - is_now
    return len(is_now - was), len(gone | {*after.in_phase("vanished")}), len(is_now & was)


def _pending(client: Checkmk) -> Iterator[Row]:
    for change in client.activation.pending():
        yield {"time": change.time, "user": change.user, "action": change.action, "text": change.text}


def _activate(client: Checkmk, force_foreign: bool, timeout: int, approved: Optional[Sequence[str]] = None) -> Row:
    known = frozenset(approved or ())
    agreed = None if approved is None else lambda change: change.id in known
    done = client.activation.activate(force_foreign_changes=force_foreign, timeout_s=timeout, approved=agreed)
    return {"activated": len(done.activated), "seconds": round(done.elapsed_s, 1)}


def _version(client: Checkmk) -> Row:
    found = client.version()
    return {"checkmk": found.checkmk, "edition": found.edition, "site": found.site}


SITE_VERBS = (
    Verb(
        "",
        "discover",
        "Scan hosts for services and monitor what is new.",
        "checkmk-sync discover web01 web02",
        _discover,
        (
            MANY_HOSTS,
            Argument("remove_vanished", "Also drop services that vanished.", bool, default=False),
        ),
        writes=True,
        done="discovered",
        look="checkmk-sync services list --host {}",
        fields=(
            Field("hosts", "How many were scanned.", int),
            Field("state", "How the scan ended."),
            Field("new", "How many services are monitored that were not before.", Optional[int]),
            Field("vanished", "How many services are gone from the hosts.", Optional[int]),
            Field("unchanged", "How many services are monitored as before.", Optional[int]),
            Field("note", "Which hosts the counts leave out.", Optional[str]),
        ),
        preview=previews.discovery,
        asks_with="remove_vanished",
        tool="discover_services",
        idempotent=True,
    ),
    Verb(
        "",
        "pending",
        "List changes that wait for activation.",
        "checkmk-sync pending",
        _pending,
        columns=("time", "user", "action", "text"),
        fields=(
            Field("time", "When it was made.", time=True),
            Field("user", "Who made it; None is the site itself.", Optional[str]),
            Field("action", "What kind of change it is."),
            Field("text", "What was changed.", foreign=True),
        ),
        tool="pending_changes",
        empty="no changes are pending",
    ),
    Verb(
        "",
        "activate",
        "Activate pending changes, wait, and check that they are active.",
        "checkmk-sync activate",
        _activate,
        (
            Argument("force_foreign", "Also activate changes of other users.", bool, default=False),
            Argument("timeout", "Give up after this many seconds.", int, default=900),
        ),
        writes=True,
        done="activated",
        look="checkmk-sync pending",
        fields=(
            Field("activated", "How many changes are active now.", int),
            Field("seconds", "How long it took.", float),
        ),
        preview=previews.activation,
        tool="activate_changes",
        idempotent=True,
    ),
    Verb(
        "",
        "version",
        "Show what the site says it is.",
        "checkmk-sync version",
        _version,
        fields=(
            Field("checkmk", "Its version."),
            Field("edition", "Its edition."),
            Field("site", "Its id."),
        ),
        tool="site_version",
    ),
)
