"""Auxiliary tags."""

from __future__ import annotations

from typing import Optional

from ..noun import CRUD, Record, attr, key, noun


@noun("aux_tags", "auxiliary tag", "aux_tag", CRUD, rank=10, if_match={}, delete=("POST", "/actions/delete/invoke"))
class AuxTag(Record):
    """A tag that the tags of a host can imply, such as ``snmp``."""

    name: str = key("ID of the tag.", wire="aux_tag_id", pattern=r"^[-0-9a-zA-Z_]+\Z", example="vlan")
    topic: str = attr("Topic under which the tag is shown.", min_length=1, example="Network")
    title: str = attr("Title of the tag.", at=("title",), min_length=1, example="VLAN")
    help: Optional[str] = attr("Help text.", default=None, example="Hosts with VLANs")
