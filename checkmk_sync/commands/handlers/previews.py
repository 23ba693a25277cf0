"""The previews of destructive commands, read from the site and shown for approval."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from typing import Iterable, Iterator, Mapping, Optional, Sequence, Union

from ...catalogue.paths import folder_path
from ...client.checkmk import Checkmk
from ...client.nouns.activation import PendingChange
from ...client.records import Folder, Host
from ...core.grouping import grouped
from ...core.text import pluralize, summarize
from ...errors import Attempted, ConflictError, Delivery, ForbiddenError
from ..command import Preview

FEWER_HOSTS = "Name fewer hosts per call."
IN_CHECKMK = "Too many changes are pending. A person must activate them in Checkmk or with checkmk-sync activate."


def _by_folder(hosts: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each folder, with the names of its hosts. ``hosts`` maps names to folders."""
    folders = grouped((folder, name) for name, folder in sorted(hosts.items()))
    return (f"in {folder}: {', '.join(names)}" for folder, names in sorted(folders.items()))


def changes_by_user(pending: Iterable[PendingChange]) -> Iterator[str]:
    """Yield a line for each user and action, followed by a line for each of their changes."""
    groups = grouped((f"{change.user or 'the site itself'}: {change.action}", change.text) for change in pending)
    for head, texts in sorted(groups.items()):
        yield f"{head} ({len(texts)})"
        yield from (f"  {text}" for text in texts)


def delete_hosts(client: Checkmk, hosts: Sequence[str]) -> Preview:
    """Return a preview with the existing hosts and the unknown names. Raises ValueError if no host exists."""
    names = sorted(set(hosts))
    folders = {host.name: host.folder for host in client.hosts.each(names=names)}
    lines = [*_by_folder(folders)]
    missing = [name for name in names if name not in folders]
    if missing:
        lines.append(f"no such host: {', '.join(missing)}")
    if not folders:  # an approval must not cover hosts that are created after the preview
        raise ValueError(lines[0])
    summary = f"Permanently delete {pluralize(len(folders), 'host')} from the configuration of {client.settings.site}."
    return Preview(summary, tuple(lines), lines, too_long=FEWER_HOSTS)


def rename_host(client: Checkmk, host: str, new_name: str) -> Preview:
    """Return a preview with the objects that refer to the host.

    Raises NotFoundError if it does not exist, and ConflictError if changes are pending.
    """
    found = client.hosts.get(host, fresh=True)
    with contextlib.suppress(ForbiddenError):  # the user may not be allowed to see pending changes
        pending = client.activation.pending()
        if pending:
            count = pluralize(len(pending), "change is", "changes are")
            attempted = Attempted(Delivery.NOTHING_DONE, is_read=False)
            raise ConflictError(
                409, "Conflict", f"{count} pending and must be activated before a rename", attempted=attempted
            )
    uses = grouped(
        (relation, other.key_value)
        for other in itertools.chain[Union[Folder, Host]](client.folders.each(), client.hosts.each())
        for relation, names in (
            ("parent of", other.attributes.get("parents")),
            ("node of", getattr(other, "cluster_nodes", None)),
        )
        if host in (names or ())
    )
    lines = tuple(f"{relation}: {', '.join(sorted(names))}" for relation, names in sorted(uses.items()))
    summary = f"Rename {host} in {found.folder} to {new_name}, everywhere in the configuration."
    return Preview(summary, lines, lines)


def delete_folder(client: Checkmk, folder: str, recursive: bool) -> Preview:
    """Return a preview with the folder and its contents. Raises ValueError for contents unless ``recursive``."""
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
            raise ValueError(f"{root} is not empty; --recursive would also delete {with_it}: {shown}")
        return Preview(
            f"Permanently delete the folder {root}. The site refuses unless it is empty.", tuple(lines), lines
        )
    # Counting the rules would take a request for each ruleset in use.
    summary = f"Permanently delete the folder {root} with {with_it}, and with the rules of these folders."
    return Preview(summary, tuple(lines), lines)


def activation(client: Checkmk, force_foreign: bool, timeout: int) -> Preview:
    """Return a preview with the pending changes and their users.

    Only these changes are activated. If nothing is pending, no approval is needed.
    """
    pending = client.activation.pending()
    fixed = {"approved": [change.id for change in pending]}
    if not pending:
        return Preview(f"Nothing is pending on {client.settings.site}.", fixed_arguments=fixed, needs_approval=False)
    counts = Counter(change.user or "the site itself" for change in pending)
    users = ", ".join(f"{number} of {user}" for user, number in sorted(counts.items()))
    foreign = (
        "Changes of other users are included."
        if force_foreign
        else "The site refuses this if any change is of another user."
    )
    summary = (
        f"Activate {pluralize(len(pending), 'pending change')} on {client.settings.site} ({users}). {foreign} "
        f"The changes take effect in the monitoring. The call waits up to {timeout} s."
    )
    facts = [force_foreign, sorted([change.id, str(change)] for change in pending)]
    return Preview(summary, tuple(changes_by_user(pending)), facts, fixed, too_long=IN_CHECKMK)


def discovery(client: Checkmk, hosts: Sequence[str], remove_vanished: bool) -> Optional[Preview]:
    """Return a preview of a scan, or None if it removes no services and is therefore not destructive."""
    if not remove_vanished:
        return None
    names = sorted(set(hosts))
    summary = (
        f"Scan {pluralize(len(names), 'host')} of {client.settings.site}, monitor new services, and remove "
        "vanished ones."
    )
    return Preview(summary, (", ".join(names),), names, too_long=FEWER_HOSTS)
