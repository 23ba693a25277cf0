"""Commands of desired state.

The command line takes files and asks on a terminal, so it has code of its own for them, with these arguments.
"""

from __future__ import annotations

from typing import Optional

from .command import MAX_SHOWN, TOOL, Argument, Command, Field, LazyModule

__all__ = ["ACTIVATION_ARGUMENTS", "PLAN_ARGUMENTS", "SYNC_COMMANDS"]

_sync = LazyModule(".handlers.sync", __package__)

_INVENTORY = (
    Argument(
        "inventory",
        "The desired state: an object with the lists hosts and folders, as in an inventory file.",
        dict,
        example={"hosts": [{"name": "web01", "folder": "/linux", "attributes": {"ipaddress": "192.0.2.10"}}]},
    ),
    Argument("file", "Or the name of an inventory file in the folder that the server was given.", "file"),
)
PLAN_ARGUMENTS = (
    Argument(
        "owner",
        "Label created objects as yours, and delete your objects that are not in the inventory.",
        example="cmdb",
        tool_help="Label created objects with this owner, and delete its objects that are not in the inventory.",
        metavar="NAME",
    ),
    Argument("adopt", "Take over existing hosts and folders of the inventory that have no owner.", bool, default=False),
    Argument(
        "allow_changes",
        "Allow this many existing objects to change, or a percentage of them (default 30%).",
        "amount",
        check=_sync.check_amount,
        metavar="N",
    ),
    Argument(
        "allow_deletions",
        "Allow this many deletions, or a percentage of your objects of a kind (default 10%).",
        "amount",
        check=_sync.check_amount,
        tool_help="Allow this many deletions, as a number or a percentage of the owner's objects of a kind.",
        metavar="N",
    ),
    Argument(
        "confirm_deletions",
        "Delete this host or folder even though it was probably renamed.",
        many=True,
        tool_help="Names of hosts and folders to delete although they were probably renamed.",
        option="--confirm-delete",
        metavar="NAME",
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
        "Leave the changes pending.",
        bool,
        default=True,
        tool_help="Activate at the end.",
        option="--no-activate",
    ),
    Argument("force_foreign", "Also activate pending changes of other users.", bool, default=False),
)
_COUNTS = Field("counts", "Counts by kind.", dict[str, int])

SYNC_COMMANDS = (
    Command(
        "sync plan",
        "Show the changes that bring the site to the state of an inventory. Changes nothing.",
        _sync.plan,
        (*_INVENTORY, *PLAN_ARGUMENTS),
        fields=(
            Field("checksum", "Checksum of the plan; it changes with the site and with the inventory."),
            _COUNTS,
            Field("nothing_to_do", "True if the site matches the inventory.", bool),
            Field("changes", f"The first {MAX_SHOWN} changes.", list[str], untrusted=True),
            Field("more_changes", "Number of changes that are not shown.", int),
            Field("conflicts", "Objects that must not be changed: the plan is refused.", list[str], untrusted=True),
            Field(
                "renames", "Deletions that are probably renames and have to be confirmed.", list[str], untrusted=True
            ),
            Field("refused", "Why the plan would not be applied.", Optional[str], untrusted=True),
            Field("warnings", "Doubts about the inventory, and rows that were left out.", list[str], untrusted=True),
            Field("undiscovered", "Number of hosts that need a scan.", int),
            Field("silent", "Number of hosts on which a scan found nothing.", int),
            Field("own_pending", "Own changes that are not active yet.", int),
            Field("foreign_pending", "Pending changes of other users.", int),
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
            Field("nothing_to_do", "True if the site was in the desired state already.", bool),
            Field("checksum", "Checksum of the plan."),
            Field("verified", "True if a final read found everything as planned.", bool),
            _COUNTS,
            Field("discovered", "Number of scanned hosts.", Optional[int]),
            Field("activated_changes", "Number of activated changes.", Optional[int]),
            Field("without_services", "Scanned hosts on which nothing was found.", Optional[list[str]]),
            Field("failures", f"The first {MAX_SHOWN} changes that were not applied.", list[str], untrusted=True),
            Field("errors", "Failures of discovery, activation and verification.", dict[str, str], untrusted=True),
        ),
        preview=_sync.preview,
        idempotent=True,
        reports_progress=True,
        faces=(TOOL,),
    ),
)
