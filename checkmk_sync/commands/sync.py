"""The commands for desired state.

Only language models use these rows. The command line reads files and asks on a terminal, so it has its own code, which
shares the arguments.
"""

from __future__ import annotations

from typing import Optional

from .command import MAX_SHOWN, TOOL, Argument, Command, Field, LazyModule

_sync = LazyModule(".handlers.sync", __package__)

_INVENTORY = (
    Argument(
        "inventory",
        "The desired state: an object with lists such as hosts, folders and host_groups, as in an inventory file.",
        dict,
        example={"hosts": [{"name": "web01", "folder": "/linux", "attributes": {"ipaddress": "192.0.2.10"}}]},
    ),
    Argument(
        "file", "The name of an inventory file that the server may read. Give this or inventory, not both.", "file"
    ),
)
PLAN_ARGUMENTS = (
    Argument(
        "owner",
        "Label created objects with this owner, and delete this owner's objects missing from the inventory.",
        example="cmdb",
        metavar="NAME",
    ),
    Argument("adopt", "Take ownership of existing objects in the inventory that have no owner.", bool, default=False),
    Argument(
        "allow_changes",
        "Allow at most this many changes of existing objects, as a number or a percentage (default: 30%).",
        "amount",
        check=_sync.check_amount,
        metavar="N",
    ),
    Argument(
        "allow_deletions",
        "Allow at most this many deletions, as a number or a percentage of the owner's objects of a kind "
        "(default: 10%).",
        "amount",
        check=_sync.check_amount,
        tool_help="Allow at most this many deletions, as a number or a percentage of the owner's objects of a kind.",
        metavar="N",
    ),
    Argument(
        "confirm_deletions",
        "Delete this host or folder even though it was probably renamed; repeatable.",
        many=True,
        tool_help="The names of hosts and folders to delete even though they were probably renamed.",
        option="--confirm-delete",
        metavar="NAME",
    ),
    Argument(
        "renames",
        "Rename the host OLD to NEW, a host in the inventory, instead of deleting and creating it; repeatable.",
        many=True,
        tool_help="The hosts to rename instead of deleting and creating them, each as OLD=NEW.",
        option="--rename",
        metavar="OLD=NEW",
    ),
    Argument(
        "discover",
        "Do not scan hosts for services.",
        bool,
        default=True,
        tool_help="Scan hosts for services.",
        option="--no-discover",
    ),
)
ACTIVATION_ARGUMENTS = (
    Argument(
        "activate",
        "Do not activate; leave the changes pending.",
        bool,
        default=True,
        tool_help="Activate the changes at the end.",
        option="--no-activate",
    ),
    Argument("force_foreign", "Also activate pending changes of other users.", bool, default=False),
)
_COUNTS = Field("counts", "The number of objects of each kind.", dict[str, int])

COMMANDS = (
    Command(
        "sync plan",
        "Show the changes that bring the site to the state of an inventory, without making them.",
        _sync.plan,
        (*_INVENTORY, *PLAN_ARGUMENTS),
        fields=(
            Field("checksum", "The checksum of the plan. It changes with the site and with the inventory."),
            _COUNTS,
            Field("nothing_to_do", "True if the site matches the inventory.", bool),
            Field("changes", f"The first {MAX_SHOWN} changes.", list[str], untrusted=True),
            Field("more_changes", "The number of changes that are not shown.", int),
            Field(
                "conflicts", "The objects that must not be changed, so the plan is refused.", list[str], untrusted=True
            ),
            Field(
                "renames", "The deletions that are probably renames and must be confirmed.", list[str], untrusted=True
            ),
            Field("refused", "The reason why the plan would be refused.", Optional[str], untrusted=True),
            Field(
                "warnings", "Warnings about the inventory, and the rows that were skipped.", list[str], untrusted=True
            ),
            Field("undiscovered", "The number of hosts that need a scan.", int),
            Field("silent", "The number of hosts on which a scan found no services.", int),
            Field("own_pending", "The number of own changes that are not activated yet.", int),
            Field("foreign_pending", "The number of pending changes of other users.", int),
        ),
        faces=(TOOL,),
    ),
    Command(
        "sync apply",
        "Bring the site to the state of an inventory: apply in bulk, discover new hosts, activate once, verify.",
        _sync.apply,
        (*_INVENTORY, *PLAN_ARGUMENTS, *ACTIVATION_ARGUMENTS),
        writes=True,
        destructive=True,
        exclusive=True,
        fields=(
            Field("ok", "True if everything was applied and no later step failed.", bool),
            Field("nothing_to_do", "True if the site was already in the desired state.", bool),
            Field("checksum", "The checksum of the plan."),
            Field("verified", "True if a final read found everything as planned.", bool),
            _COUNTS,
            Field("discovered", "The number of scanned hosts.", Optional[int]),
            Field("activated_changes", "The number of activated changes.", Optional[int]),
            Field("without_services", "The scanned hosts on which no services were found.", Optional[list[str]]),
            Field("failures", f"The first {MAX_SHOWN} changes that were not applied.", list[str], untrusted=True),
            Field("errors", "The failures of discovery, activation and verification.", dict[str, str], untrusted=True),
        ),
        preview=_sync.preview,
        idempotent=True,
        reports_progress=True,
        faces=(TOOL,),
    ),
)
