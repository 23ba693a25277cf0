"""Previews of destructive commands, read from the site for the person who has to approve them."""

from __future__ import annotations

from collections import Counter
from typing import Iterable, Iterator, Mapping, Optional, Sequence

from ...catalogue.paths import folder_path
from ...client.checkmk import Checkmk
from ...client.nouns.activation import PendingChange
from ...core.text import pluralize, summarize
from ..command import Preview

__all__ = ["activation", "changes_by_user", "delete_folder", "delete_hosts", "discovery"]

IN_CHECKMK = "Too many changes are pending for that: a person has to activate them, in Checkmk or by a command."


def _by_folder(hosts: Mapping[str, str]) -> Iterator[str]:
    """Return a line for each folder with the names of its hosts."""
    folders: dict[str, list[str]] = {}
    for name, folder in sorted(hosts.items()):
        folders.setdefault(folder, []).append(name)
    return (f"in {folder}: {', '.join(names)}" for folder, names in sorted(folders.items()))


def changes_by_user(pending: Iterable[PendingChange]) -> Iterator[str]:
    """Yield all changes, below a line with their user and action. Each text stays on its own line."""
    groups: dict[str, list[str]] = {}
    for change in pending:
        groups.setdefault(f"{change.user or 'the site itself'}: {change.action}", []).append(change.text)
    for head, texts in sorted(groups.items()):
        yield f"{head} ({len(texts)})"
        yield from (f"  {text}" for text in texts)


def delete_hosts(client: Checkmk, hosts: Sequence[str]) -> Preview:
    """Return the hosts with their folders, and the names without a host. ValueError if no host exists."""
    names = sorted(set(hosts))
    folders = {host.name: host.folder for host in client.hosts.each(names=names)}
    lines = [*_by_folder(folders)]
    missing = [name for name in names if name not in folders]
    if missing:
        lines.append(f"there is no such host: {', '.join(missing)}")
    if not folders:  # there is nothing to approve, and hosts created later were not shown
        raise ValueError(lines[0])
    summary = f"Delete {pluralize(len(folders), 'host')} from the configuration of {client.settings.site}, for good."
    return Preview(summary, tuple(lines), lines)


def delete_folder(client: Checkmk, folder: str, recursive: bool) -> Preview:
    """Return the folder with its contents. ValueError if it has to be empty and is not."""
    root = folder_path(folder)
    folders = sorted(below.path for below in client.folders.each(root))
    known = set(folders)
    hosts = {host.name: host.folder for host in client.hosts.each() if host.folder in known}
    lines = [f"folder {folder}" for folder in folders] + [*_by_folder(hosts)]
    with_it = f"{pluralize(len(folders) - 1, 'folder')} and {pluralize(len(hosts), 'host')} in it"
    if not recursive:
        content = [line for line in lines if line != f"folder {root}"]
        if content:
            shown = summarize(content, 10, "; ")
            raise ValueError(f"{root} is not empty, and --recursive deletes all of that too: {with_it}: {shown}")
        return Preview(f"Delete the folder {root}; refused by the site unless it is empty.", tuple(lines), lines)
    return Preview(f"Delete the folder {root} with {with_it}, for good.", tuple(lines), lines)


def activation(client: Checkmk, force_foreign: bool, timeout: int) -> Preview:
    """Return the pending changes with their users. Only these are activated; without any, no approval is needed."""
    pending = client.activation.pending()
    fixed = {"approved": [change.id for change in pending]}
    if not pending:
        return Preview(f"Nothing is pending on {client.settings.site}.", fixed_arguments=fixed, needs_approval=False)
    counts = Counter(change.user or "the site itself" for change in pending)
    users = ", ".join(f"{number} of {user}" for user, number in sorted(counts.items()))
    foreign = "also those of other users" if force_foreign else "the site refuses if some are of other users"
    summary = (
        f"Activate {pluralize(len(pending), 'pending change')} on {client.settings.site} ({users}), {foreign}: "
        f"they take effect in the monitoring. Waits up to {timeout} s."
    )
    facts = [force_foreign, sorted([change.id, str(change)] for change in pending)]
    return Preview(summary, tuple(changes_by_user(pending)), facts, fixed, too_long=IN_CHECKMK)


def discovery(client: Checkmk, hosts: Sequence[str], remove_vanished: bool) -> Optional[Preview]:
    """Return the preview of a scan; None unless services may be removed, because nothing else is destructive."""
    if not remove_vanished:
        return None
    names = sorted(set(hosts))
    summary = (
        f"Scan {pluralize(len(names), 'host')} of {client.settings.site}, monitor new services, and drop those "
        "that vanished."
    )
    return Preview(summary, (", ".join(names),), names)
