"""Arguments and fields that several commands share."""

from __future__ import annotations

from typing import Any, Optional

from ..catalogue.paths import folder_path, host_name
from .command import Argument, Field, LazyModule

__all__ = ["ATTRIBUTE", "FOLDER", "HOST", "HOSTS", "LABEL", "LIMIT", "search", "settings_fields", "state"]

_attributes = LazyModule(".handlers.attributes", __package__)


def _search_pattern(text: str) -> str:
    """Return ``text`` if it can be searched for; ValueError otherwise."""
    if not text or not text.isprintable():
        raise ValueError(f"{text!r} is no pattern: a text of one line is needed, such as 'web*'")
    return text


def search(name: str, text: str, example: str) -> Argument:
    """Return an argument that takes a pattern such as ``web*``."""
    return Argument(name, text, check=_search_pattern, example=example)


def state(choices: tuple[str, ...], example: Optional[list[str]] = None) -> Argument:
    """Return the argument that selects states."""
    return Argument(
        "state",
        "Only this state, in upper or lower case; may be abbreviated.",
        many=True,
        choices=choices,
        example=example,
        tool_help="Only in one of these states.",
    )


def settings_fields(kind: str) -> tuple[Field, ...]:
    """Return the fields for the settings of a host or folder."""
    return (
        Field("attributes", f"The attributes set on the {kind} itself.", dict[str, Any], untrusted=True),
        Field("labels", "Its own labels.", dict[str, str], untrusted=True),
        Field("owner", "Owner whose sync created or adopted it.", Optional[str], untrusted=True),
    )


LIMIT = Argument("limit", "Maximum number of results.", int)
HOST = Argument(
    "host", "Name of the host.", required=True, check=host_name, example="web01", aliases=("name", "host_name")
)
HOSTS = Argument(
    "hosts",
    "Names of the hosts.",
    required=True,
    many=True,
    check=host_name,
    example=["web01"],
    aliases=("names", "host", "host_names"),
)
FOLDER = Argument("folder", "The folder.", required=True, check=folder_path, example="/linux/web", aliases=("path",))
ATTRIBUTE = Argument(
    "attribute",
    "Set an attribute, such as ipaddress=192.0.2.10. As in a CSV inventory, parents=gw01|gw02 is a list, "
    "and a value that starts with [ or { is JSON.",
    "pairs",
    many=True,
    example={"ipaddress": "192.0.2.10"},
    parse=_attributes.attribute_values,
    tool_help="Attributes to set: an object of names and values. Where a list belongs, the text gw01|gw02 is one; "
    "a text that starts with [ or { is JSON.",
)
LABEL = Argument(
    "label",
    "Set a label, such as env=prod.",
    "pairs",
    many=True,
    example={"env": "prod"},
    parse=_attributes.label_values,
    tool_help="Labels to set: an object of keys and texts.",
)
