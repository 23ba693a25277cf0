"""Verbs of the site as a whole."""

from __future__ import annotations

from typing import Iterator, Optional, Sequence

from ..client.checkmk import Checkmk
from ..client.nouns.discovery import DiscoveryResult
from . import previews
from .command import MANY_HOSTS, Argument, Command, Field, Row

__all__ = ["SITE_COMMANDS"]


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


SITE_COMMANDS = (
    Command(
        "",
        "discover",
        "Scan hosts for services and monitor new ones.",
        "checkmk-sync discover web01 web02",
        _discover,
        (
            MANY_HOSTS,
            Argument("remove_vanished", "Also remove vanished services.", bool, default=False),
        ),
        writes=True,
        done="discovered",
        look="checkmk-sync services list --host {}",
        fields=(
            Field("hosts", "Number of scanned hosts.", int),
            Field("state", "How the scan ended."),
            Field("new", "Number of newly monitored services.", Optional[int]),
            Field("vanished", "Number of services that vanished from the hosts.", Optional[int]),
            Field("unchanged", "Number of services monitored as before.", Optional[int]),
            Field("note", "Hosts that are not counted.", Optional[str]),
        ),
        preview=previews.discovery,
        asks_with="remove_vanished",
        tool="discover_services",
        idempotent=True,
    ),
    Command(
        "",
        "pending",
        "List changes that wait for activation.",
        "checkmk-sync pending",
        _pending,
        columns=("time", "user", "action", "text"),
        fields=(
            Field("time", "Time of the change.", time=True),
            Field("user", "User who made it; None for the site itself.", Optional[str]),
            Field("action", "Type of the change."),
            Field("text", "Description of the change.", foreign=True),
        ),
        tool="pending_changes",
        empty="no changes are pending",
    ),
    Command(
        "",
        "activate",
        "Activate pending changes, wait for the activation, and check the result.",
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
            Field("activated", "Number of activated changes.", int),
            Field("seconds", "Duration of the activation.", float),
        ),
        preview=previews.activation,
        tool="activate_changes",
        idempotent=True,
    ),
    Command(
        "",
        "version",
        "Show version, edition and id of the site.",
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
