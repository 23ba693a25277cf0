"""The host commands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

from ..catalogue.paths import folder_path, host_name
from ..catalogue.states import HostState
from .arguments import ATTRIBUTE, FOLDER, HOST, HOSTS, LABEL, WITH_LABEL, search, settings_fields, state
from .command import MAX_SHOWN, TOOL, Argument, Command, Field, LazyModule, object_command

_attributes = LazyModule(".handlers.attributes", __package__)
_hosts = LazyModule(".handlers.hosts", __package__)
_problems = LazyModule(".handlers.problems", __package__)
_previews = LazyModule(".handlers.previews", __package__)

_SEARCH = search("the name", "web")
_HOST_FIELDS = (
    Field("name", "The name of the host."),
    Field("folder", "The folder that contains the host."),
    *settings_fields("host"),
    Field("cluster_nodes", "The nodes, if the host is a cluster.", Optional[list[str]]),
)
_STATUS_FIELDS = (
    Field("name", "The name of the host."),
    Field("state", "UP, DOWN, UNREACHABLE or PENDING."),
    Field("num_services", "The number of its services.", int),
    Field("plugin_output", "The output of the check.", untrusted=True),
    Field("acknowledged", "1 if the problem is acknowledged.", int),
    Field("scheduled_downtime_depth", "Greater than 0 while the host is in downtime.", int),
)
_STATUS_COLUMNS = ("name", "state", "num_services", "plugin_output")

COMMANDS = (
    Command(
        "hosts list",
        "List configured hosts.",
        _hosts.list_all,
        (Argument("folder", "Show only hosts directly in this folder.", check=folder_path), _SEARCH, WITH_LABEL),
        ("name", "folder", "ipaddress", "alias", "labels"),
        example="--folder /linux --limit 20",
        fields=(
            *_HOST_FIELDS[:2],
            Field("ipaddress", "The IP address of the host.", Optional[str], untrusted=True),
            Field("alias", "The alias of the host.", Optional[str], untrusted=True),
            Field("labels", "The labels that are set on it, as key:value.", untrusted=True),
        ),
        more_columns=("attributes", "owner"),
        table_row=_hosts.table_row,
        tool="stream_hosts",
        empty_text="no hosts",
    ),
    object_command(
        "hosts get",
        "Show one host.",
        _hosts.get,
        HOST,
        Argument("effective", "Also show inherited and default attributes.", bool, default=False),
        example="web01 --effective",
        fields=(
            *_HOST_FIELDS,
            Field("effective_attributes", "All attributes, if requested.", Optional[dict[str, Any]], untrusted=True),
        ),
    ),
    object_command(
        "hosts create",
        "Create a host. It becomes active with the next activation.",
        _hosts.create,
        HOST,
        Argument("folder", "Create the host in this folder.", default="/", check=folder_path),
        ATTRIBUTE,
        LABEL,
        Argument(
            "node",
            "A node of a new cluster; repeatable.",
            many=True,
            check=host_name,
            tool_help="The nodes of a cluster.",
        ),
        example="web01 --attribute ipaddress=192.0.2.10",
        fields=_HOST_FIELDS,
    ),
    object_command(
        "hosts update",
        "Change attributes and labels of a host. Others stay as they are.",
        _hosts.update,
        HOST,
        ATTRIBUTE,
        LABEL,
        Argument(
            "remove",
            "Remove this attribute; repeatable.",
            many=True,
            tool_help="The names of attributes to remove.",
            complete=_attributes.complete_attribute,
        ),
        Argument(
            "remove_label",
            "Remove this label by its key; repeatable.",
            many=True,
            tool_help="The keys of labels to remove.",
        ),
        example="web01 --attribute alias='Web 1' --remove ipv6address",
        fields=_HOST_FIELDS,
    ),
    object_command(
        "hosts move",
        "Move one or more hosts to another folder.",
        _hosts.move,
        HOSTS,
        replace(FOLDER, name="destination", help="The new folder of the hosts.", aliases=("folder",)),
        example="web01 web02 /linux/web",
        fields=(
            Field("moved", "The number of hosts that are in the folder now.", int),
            # As in 0.1.0, the result for one host also contains that host.
            *(replace(field, kind=Optional[field.kind]) for field in _HOST_FIELDS),
        ),
        reports_progress=True,
    ),
    object_command(
        "hosts rename",
        "Rename a host and keep its history. Parents, clusters and rules that name it follow. There must be no pending "
        "changes, and the new name becomes active with the next activation.",
        _hosts.rename,
        HOST,
        Argument("new_name", "The new name.", required=True, check=host_name, example="web01.example.com"),
        example="web01 web01.example.com",
        fields=(*_HOST_FIELDS, Field("advice", "The next step.")),
        destructive=True,
        reports_progress=True,
        preview=_previews.rename_host,
        check_with="checkmk-sync hosts get {new_name}",
    ),
    Command(
        "hosts set-nodes",
        "Replace the nodes of a cluster.",
        _hosts.set_nodes,
        (HOST, replace(HOSTS, name="nodes", help="The nodes.", example=["db01", "db02"], aliases=())),
        writes=True,
        idempotent=True,
        example="db db01 db02",
        fields=_HOST_FIELDS,
    ),
    Command(
        "hosts scan-parents",
        "Let the site find the parents of hosts with traceroute, and set them.",
        _hosts.scan_parents,
        (HOSTS, Argument("gateways", "Create hosts for unknown gateways in this folder.", check=folder_path)),
        writes=True,
        example="web01 web02 --gateways /gateways",
        fields=(
            Field("scanned", "The number of scanned hosts.", int),
            Field("log", "The last lines of the log of the background job.", list[str], untrusted=True),
        ),
        effect="scanned",
    ),
    object_command(
        "hosts delete",
        "Delete one or more hosts.",
        _hosts.delete,
        HOSTS,
        example="web01 web02",
        fields=(Field("deleted", "The number of deleted hosts.", int),),
        preview=_previews.delete_hosts,
    ),
    Command(
        "hosts status",
        "Show the monitoring status of hosts.",
        _hosts.status,
        (_SEARCH, WITH_LABEL, state(HostState)),
        _STATUS_COLUMNS,
        example="--search web",
        fields=_STATUS_FIELDS,
        empty_text="no hosts",
    ),
    Command(
        "hosts problems",
        "Deprecated; use problems. List hosts with unhandled problems.",
        _problems.of_hosts,
        (_SEARCH, WITH_LABEL),
        _STATUS_COLUMNS,
        replaced_by="problems",
        example="--limit 20",
        fields=_STATUS_FIELDS,
        empty_text="no unhandled problems",
    ),
    Command(
        "hosts diagnose",
        "Find out why a host or some of its services are not monitored.",
        _hosts.diagnose,
        (HOST,),
        ("finding", "advice"),
        example="web01",
        fields=(
            Field("finding", "A reason, or the state of the host.", untrusted=True),
            Field("advice", "The next step, or an empty text."),
        ),
        names=(),
        is_prose=True,
    ),
    Command(
        "hosts bulk-create",
        "Create many hosts in bulk, with an outcome for each. Refused hosts do not stop the others. "
        "The hosts become active with the next activation.",
        _hosts.create_many,
        (
            Argument(
                "hosts",
                "The hosts: objects with host_name, folder (default: /) and attributes.",
                dict,
                required=True,
                many=True,
                parse=_hosts.entries_of,
                example=[{"host_name": "web01", "folder": "/linux", "attributes": {"ipaddress": "192.0.2.10"}}],
            ),
        ),
        writes=True,
        additive=True,
        fields=(
            Field("applied", "The number of created hosts.", int),
            Field("not_applied", "The number of hosts that were not created.", int),
            Field("unknown", "The number of hosts that may exist. Check them before you repeat the call.", int),
            Field("failures", f"The first {MAX_SHOWN} hosts not confirmed as created.", list[str], untrusted=True),
        ),
        reports_progress=True,
        faces=(TOOL,),  # the command line has checkmk-sync apply for this
        tool="batch_create_hosts",
    ),
)
