"""What the verbs that destroy are about to do, read from the site."""

from __future__ import annotations

from typing import Optional, Sequence

from ..client import Checkmk
from ..names import counted, folder_path
from .verb import Intent

__all__ = ["activation", "delete_folder", "delete_hosts", "discovery"]

SHOWN = 20  # lines of details


def _few(lines: Sequence[str]) -> tuple[str, ...]:
    more = (f"… and {len(lines) - SHOWN} more",) if len(lines) > SHOWN else ()
    return (*lines[:SHOWN], *more)


def delete_hosts(client: Checkmk, names: Sequence[str]) -> Intent:
    """The hosts with their folders; those that are not there are told as well."""
    wanted = sorted(set(names))
    found = {host.name: host.folder for host in client.hosts.each(names=wanted)}
    lines = [f"{name} in {found[name]}" if name in found else f"{name} (there is no such host)" for name in wanted]
    sentence = f"Delete {counted(len(found), 'host')} from the configuration of {client.settings.site}, for good."
    return Intent(sentence, _few(lines), lines)


def delete_folder(client: Checkmk, path: str, recursive: bool) -> Intent:
    """The folder with what is in it."""
    root = folder_path(path)
    folders = sorted(folder.path for folder in client.folders.each(root))
    inside = set(folders)
    hosts = sorted(host.name for host in client.hosts.each() if host.folder in inside)
    lines = [f"folder {folder}" for folder in folders] + [f"host {name}" for name in hosts]
    if not recursive:
        return Intent(f"Delete the folder {root}; refused by the site unless it is empty.", _few(lines), lines)
    with_it = f"{counted(len(folders) - 1, 'folder')} and {counted(len(hosts), 'host')} in it"
    return Intent(f"Delete the folder {root} with {with_it}, for good.", _few(lines), lines)


def activation(client: Checkmk, force_foreign: bool, timeout: int) -> Intent:
    """The pending changes and whose they are; nothing pending needs nobody's word, and nothing else is activated."""
    pending = client.activation.pending()
    bound = {"approved": [change.id for change in pending]}
    if not pending:
        return Intent(f"Nothing is pending on {client.settings.site}.", bound=bound, asks=False)
    whose: dict[str, int] = {}
    for change in pending:
        user = change.user or "the site itself"
        whose[user] = whose.get(user, 0) + 1
    users = ", ".join(f"{number} of {user}" for user, number in sorted(whose.items()))
    foreign = "also those of other users" if force_foreign else "the site refuses if some are of other users"
    sentence = (
        f"Activate {counted(len(pending), 'pending change')} on {client.settings.site} ({users}), {foreign}: "
        f"they take effect in the monitoring. Waits up to {timeout} s."
    )
    facts = [force_foreign, sorted([change.id, str(change)] for change in pending)]
    return Intent(sentence, _few([*map(str, pending)]), facts, bound)


def discovery(client: Checkmk, hosts: Sequence[str], remove_vanished: bool) -> Optional[Intent]:
    """Only what drops services destroys something."""
    if not remove_vanished:
        return None
    names = sorted(set(hosts))
    sentence = (
        f"Scan {counted(len(names), 'host')} of {client.settings.site}, monitor new services, and drop those "
        "that vanished."
    )
    return Intent(sentence, _few(names), names)
