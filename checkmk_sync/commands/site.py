"""The commands that concern the entire site."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

from ..catalogue.states import HostState
from .arguments import HOSTS, WITH_LABEL, pattern, search, state
from .command import Argument, Command, Field, LazyModule

_previews = LazyModule(".handlers.previews", __package__)
_problems = LazyModule(".handlers.problems", __package__)
_site = LazyModule(".handlers.site", __package__)

COMMANDS = (
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
        "problems",
        "List problems of hosts and services, worst first. By default, acknowledged problems, problems in a downtime, "
        "and services of hosts that are down are omitted.",
        _problems.problems,
        (
            pattern("host", "Show only problems of this host; may be a pattern such as 'web*'.", "web*"),
            search("the host, the service or the output", "timeout"),
            WITH_LABEL,
            replace(state(HostState), choices=("down", "unreachable", "critical", "unknown", "warning")),
            Argument("handled", "Also show acknowledged problems, and problems in a downtime.", bool, default=False),
            Argument("hard", "Show only hard states, which repeated checks have confirmed.", bool, default=False),
            Argument("group_by", "Group by host, folder, group or label:KEY.", metavar="GROUP", example="folder"),
        ),
        ("state", "host", "service", "since", "plugin_output"),
        example="--group-by folder",
        fields=(
            Field("group", "The group. A problem can belong to several.", Optional[str], untrusted=True),
            Field("state", "The state of the host or service."),
            Field("host", "The name of the host."),
            Field("service", "The service, or an empty text for the host itself.", untrusted=True),
            Field("since", "The time of the last change of the state.", Optional[str], time=True),
            Field("plugin_output", "The output of the check.", untrusted=True),
            Field("hard", "False while the check is being repeated before the state is accepted.", bool),
            Field("acknowledged", "True if the problem is acknowledged.", bool),
            Field("acknowledged_by", "The user who acknowledged it.", Optional[str], untrusted=True),
            Field("acknowledgement", "The comment of the acknowledgement.", Optional[str], untrusted=True),
            Field("downtime", "True if the object or its host is in a downtime.", bool),
            Field("downtime_until", "The end of the downtime.", Optional[str], time=True),
            Field("folder", "The folder of the host.", Optional[str]),
            Field("groups", "The host groups or service groups.", list[str]),
        ),
        names=("host", "service"),
        empty_text="no unhandled problems",
    ),
    Command(
        "status",
        "Show the numbers of hosts, services, problems, downtimes and pending changes.",
        _problems.status,
        fields=(
            Field("site", "The ID of the site."),
            Field("checkmk", "The version of Checkmk."),
            Field("edition", "The edition of Checkmk."),
            Field("hosts", "The number of hosts in each state.", dict[str, Any]),
            Field("services", "The number of services in each state.", dict[str, Any]),
            Field("unhandled_problems", "The numbers of unhandled problems of hosts and of services.", dict[str, Any]),
            Field("handled_problems", "The numbers of problems acknowledged or in a downtime.", dict[str, Any]),
            Field("downtimes", "The number of downtimes, including those that start later.", int),
            Field("pending_changes", "The number of pending changes; null if the user may not see it.", Optional[int]),
            Field("activating", "True while an activation runs.", bool),
        ),
        tool="site_status",
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
