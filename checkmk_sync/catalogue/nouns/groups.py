"""Groups of hosts, of services, and of users."""

from __future__ import annotations

from typing import Any, Optional

from ..noun import BULK, CRUD, MANAGED, Record, attr, key, noun

# The documents of 2.2 have an older pattern, which also accepts "." and "..", but a URL cannot contain these IDs.
_ID = r"^(?!\.\.$|\.$)[-a-zA-Z0-9_\.]*\Z"
# Checkmk's own test test_required_alias_field_create: an empty alias is refused. The official documents do not say so.
_SHORTEST_ALIAS = 1
_CUSTOMER = "Customer of the group: 'global' or the ID of a customer."


@noun("host_groups", "host group", "host_group_config", CRUD, BULK, rank=10)
class HostGroup(Record):
    """A group of hosts."""

    name: str = key("ID of the group.", pattern=_ID, example="linux")
    alias: str = attr(
        "Title of the group.", at=("title",), min_length=_SHORTEST_ALIAS, repeated=True, example="Linux servers"
    )
    customer: Optional[str] = attr(_CUSTOMER, default=None, editions=MANAGED, initial="provider", example="global")


@noun("service_groups", "service group", "service_group_config", CRUD, BULK, rank=10)
class ServiceGroup(Record):
    """A group of services."""

    name: str = key("ID of the group.", pattern=_ID, example="disks")
    alias: str = attr("Title of the group.", at=("title",), min_length=_SHORTEST_ALIAS, repeated=True, example="Disks")
    customer: Optional[str] = attr(_CUSTOMER, default=None, editions=MANAGED, initial="provider", example="global")


@noun("contact_groups", "contact group", "contact_group_config", CRUD, BULK, rank=10)
class ContactGroup(Record):
    """A group of users who are responsible for hosts and services."""

    name: str = key("ID of the group.", pattern=_ID, example="oncall")
    alias: str = attr(
        "Title of the group.", at=("title",), min_length=_SHORTEST_ALIAS, repeated=True, example="On call"
    )
    customer: Optional[str] = attr(_CUSTOMER, default=None, editions=MANAGED, initial="provider", example="global")
    inventory_paths: Optional[dict[str, Any]] = attr(
        "Parts of the hardware and software inventory that the members can see, by the type 'allow_all', 'forbid_all' "
        "or 'specific_paths'.",
        default=None,
        since="2.4.0b1",
        example={"type": "allow_all"},
    )
