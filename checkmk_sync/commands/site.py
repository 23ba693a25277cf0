"""Commands of the site as a whole."""

from __future__ import annotations

from typing import Optional

from .arguments import HOSTS
from .command import Argument, Command, Field, LazyModule

__all__ = ["SITE_COMMANDS"]

_previews = LazyModule(".handlers.previews", __package__)
_site = LazyModule(".handlers.site", __package__)

SITE_COMMANDS = (
    Command(
        "discover",
        "Scan hosts for services and monitor new ones.",
        _site.discover,
        (HOSTS, Argument("remove_vanished", "Also remove vanished services.", bool, default=False)),
        example="web01 web02",
        writes=True,
        check_with="checkmk-sync services list --host {}",
        fields=(
            Field("hosts", "Number of scanned hosts.", int),
            Field("state", "How the scan ended."),
            Field("new", "Number of newly monitored services.", Optional[int]),
            Field("vanished", "Number of services that vanished from the hosts.", Optional[int]),
            Field("unchanged", "Number of services monitored as before.", Optional[int]),
            Field("note", "Hosts that are not counted.", Optional[str]),
        ),
        preview=_previews.discovery,
        asks_if="remove_vanished",
        tool="discover_services",
        idempotent=True,
    ),
    Command(
        "pending",
        "List changes that wait for activation.",
        _site.pending,
        columns=("time", "user", "action", "text"),
        fields=(
            Field("time", "Time of the change.", time=True),
            Field("user", "User who made it; None for the site itself.", Optional[str]),
            Field("action", "Type of the change."),
            Field("text", "Description of the change.", untrusted=True),
        ),
        tool="pending_changes",
        empty_text="no changes are pending",
    ),
    Command(
        "activate",
        "Activate pending changes, wait for the activation, and check the result.",
        _site.activate,
        (
            Argument("force_foreign", "Also activate changes of other users.", bool, default=False),
            Argument("timeout", "Give up after this many seconds.", int, default=900),
        ),
        writes=True,
        check_with="checkmk-sync pending",
        fields=(
            Field("activated", "Number of activated changes.", int),
            Field("seconds", "Duration of the activation.", float),
        ),
        preview=_previews.activation,
        tool="activate_changes",
        idempotent=True,
    ),
    Command(
        "version",
        "Show version, edition and id of the site.",
        _site.version,
        fields=(Field("checkmk", "Its version."), Field("edition", "Its edition."), Field("site", "Its id.")),
        tool="site_version",
    ),
)
