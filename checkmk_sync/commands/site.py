"""The commands that concern the entire site."""

from __future__ import annotations

from typing import Optional

from .arguments import HOSTS, search
from .command import Argument, Command, Field, LazyModule

_previews = LazyModule(".handlers.previews", __package__)
_site = LazyModule(".handlers.site", __package__)

SITE_COMMANDS = (
    Command(
        "discover",
        "Scan hosts for services, and monitor new ones.",
        _site.discover,
        (HOSTS, Argument("remove_vanished", "Also stop monitoring vanished services.", bool, default=False)),
        example="web01 web02",
        writes=True,
        check_with="checkmk-sync services list --host {}",
        fields=(
            Field("hosts", "The number of scanned hosts.", int),
            Field("state", "The final state of the scan."),
            Field("new", "The number of newly monitored services.", Optional[int]),
            Field("vanished", "The number of services that vanished from the hosts.", Optional[int]),
            Field("unchanged", "The number of services that are monitored as before.", Optional[int]),
            Field("note", "The hosts that the counts do not include.", Optional[str]),
        ),
        preview=_previews.discovery,
        asks_if="remove_vanished",
        tool="discover_services",
        idempotent=True,
    ),
    Command(
        "pending",
        "List changes that are not activated yet.",
        _site.pending,
        (search("user, action or text", "web01"),),
        columns=("time", "user", "action", "text"),
        fields=(
            Field("time", "The time of the change.", time=True),
            Field("user", "The user who made it; null for the site itself.", Optional[str]),
            Field("action", "The type of the change."),
            Field("text", "The description of the change.", untrusted=True),
        ),
        tool="pending_changes",
        names=(),  # changes have no names
        empty_text="no changes are pending",
    ),
    Command(
        "activate",
        "Activate pending changes, and wait for the result.",
        _site.activate,
        (
            Argument("force_foreign", "Also activate pending changes of other users.", bool, default=False),
            Argument("timeout", "Stop waiting after this many seconds.", int, default=900, metavar="SECONDS"),
        ),
        writes=True,
        check_with="checkmk-sync pending",
        fields=(
            Field("activated", "The number of activated changes.", int),
            Field("seconds", "The duration of the activation in seconds.", float),
        ),
        preview=_previews.activation,
        tool="activate_changes",
        idempotent=True,
    ),
    Command(
        "version",
        "Show the version, edition and ID of the site.",
        _site.version,
        fields=(
            Field("checkmk", "The version of Checkmk."),
            Field("edition", "The edition of Checkmk."),
            Field("site", "The ID of the site."),
        ),
        tool="site_version",
    ),
)
