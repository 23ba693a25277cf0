"""The arguments and fields that several commands share."""

from __future__ import annotations

from typing import Any, Optional, Union

from ..catalogue.paths import folder_path, host_name
from ..catalogue.states import HostState, ServiceState
from .command import Argument, Field, LazyModule

_attributes = LazyModule(".handlers.attributes", __package__)


def _search_pattern(text: str) -> str:
    """Return ``text``. Raises ValueError unless it is a non-empty line of printable characters."""
    if not text or not text.isprintable():
        raise ValueError(f"a pattern must be one line of text such as 'web*', not {text!r}")
    return text


def pattern(name: str, text: str, example: str) -> Argument:
    """Return an argument that takes a pattern such as ``web*``."""
    return Argument(name, text, check=_search_pattern, example=example)


def search(fields: str, example: str) -> Argument:
    """Return the argument ``search`` of a list. ``fields`` describes the fields in which it searches."""
    return pattern(
        "search",
        f"Show only rows with this text in {fields}; case is ignored. "
        "A text with * or ? is a pattern for the entire value.",
        example,
    )


def state(states: Union[type[HostState], type[ServiceState]], example: Optional[list[str]] = None) -> Argument:
    """Return the argument that selects states."""
    return Argument(
        "state",
        "Show only this state; repeatable. Upper or lower case and abbreviations are accepted.",
        many=True,
        choices=tuple(name.lower() for name in states.__members__),
        example=example,
        tool_help="Show only objects in one of these states.",
    )


def settings_fields(kind: str) -> tuple[Field, ...]:
    """Return the fields for the settings of a host or folder."""
    return (
        Field("attributes", f"The attributes that are set on the {kind} itself.", dict[str, Any], untrusted=True),
        Field("labels", "The labels that are set on it.", dict[str, str], untrusted=True),
        Field("owner", "The owner whose sync created or adopted it.", Optional[str], untrusted=True),
    )


HOST = Argument(
    "host", "The name of the host.", required=True, check=host_name, example="web01", aliases=("name", "host_name")
)
HOSTS = Argument(
    "hosts",
    "The names of the hosts.",
    required=True,
    many=True,
    check=host_name,
    example=["web01"],
    aliases=("names", "host", "host_names"),
)
FOLDER = Argument("folder", "The folder.", required=True, check=folder_path, example="/linux/web", aliases=("path",))
ATTRIBUTE = Argument(
    "attribute",
    "Set this attribute, such as ipaddress=192.0.2.10; repeatable. As in a CSV inventory, parents=gw01|gw02 is a list, "
    "and a value that starts with [ or { is JSON.",
    "pairs",
    many=True,
    example={"ipaddress": "192.0.2.10"},
    parse=_attributes.attribute_values,
    complete=_attributes.complete_attribute,
    tool_help="The attributes to set: an object of names and values. In place of a list, a string such as "
    "gw01|gw02 is accepted. A string that starts with [ or { is JSON.",
)
LABEL = Argument(
    "label",
    "Set this label, such as env=prod; repeatable.",
    "pairs",
    many=True,
    example={"env": "prod"},
    parse=_attributes.label_values,
    tool_help="The labels to set: an object of keys and strings.",
)
WITH_LABEL = Argument(
    "label",
    "Show only objects with this label, such as env=prod; repeatable.",
    "pairs",
    many=True,
    example={"env": "prod"},
    tool_help="Show only objects with all of these labels: an object of keys and strings.",
)
