"""Attributes and labels as arguments: texts, as in a CSV inventory, or values as they are."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Union

from ..catalogue.attributes import MASK, attribute_value, contains_mask
from ..catalogue.labels import OWNER_LABEL
from ..client.records import Folder, Host
from .command import Argument, Field, Row

__all__ = ["ATTRIBUTE", "LABEL", "attribute_values", "settings_fields", "settings_of"]

_OWN_LABELS = OWNER_LABEL.partition("/")[0] + "/"


def settings_of(found: Union[Host, Folder]) -> Row:
    """Attributes and labels in the form of an inventory, so that ``plan`` reads them back. Labels of this program
    appear as ``owner``. Attributes that are null are left out, because in an inventory null removes."""
    attributes = {name: value for name, value in found.attributes.items() if name != "labels" and value is not None}
    labels = {key: value for key, value in found.labels.items() if not key.startswith(_OWN_LABELS)}
    return {"attributes": attributes, "labels": labels, "owner": found.owner}


def settings_fields(kind: str) -> tuple[Field, ...]:
    """The fields of :func:`settings_of`."""
    return (
        Field("attributes", f"The attributes set on the {kind} itself.", dict[str, Any], foreign=True),
        Field("labels", "Its own labels.", dict[str, str], foreign=True),
        Field("owner", "Owner whose sync created or adopted it.", Optional[str], foreign=True),
    )


def attribute_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values that texts mean; what is no text is a value already. ValueError, with the name of the attribute, for
    broken JSON and for *** in place of a secret."""
    values = {}
    for name, text in given.items():
        try:
            values[name] = attribute_value(name, text) if isinstance(text, str) else text
            if contains_mask(name, values[name]):
                raise ValueError(MASK)
        except ValueError as error:
            raise ValueError(f"--attribute {name}: {error}") from None
    labels = values.get("labels", {})
    if not isinstance(labels, Mapping):
        raise ValueError("labels are a mapping of keys to texts")
    _label_values(labels)
    return values


def _label_values(given: Mapping[str, Any]) -> dict[str, str]:
    for key, value in given.items():
        if not isinstance(value, str):
            raise ValueError(f"the label {key} is no text")
        if not value:
            raise ValueError(f"the label {key} needs a value; --remove-label {key} takes it away")
        if contains_mask(key, value):
            raise ValueError(f"the label {key}: {MASK}")
    return dict(given)


ATTRIBUTE = Argument(
    "attribute",
    "Set an attribute, such as ipaddress=192.0.2.10. As in a CSV inventory, parents=gw01|gw02 is a list, "
    "and a value that starts with [ or { is JSON.",
    "pairs",
    many=True,
    example={"ipaddress": "192.0.2.10"},
    parse=attribute_values,
    tool_help="Attributes to set: an object of names and values. Where a list belongs, the text gw01|gw02 is one; "
    "a text that starts with [ or { is JSON.",
)
LABEL = Argument(
    "label",
    "Set a label, such as env=prod.",
    "pairs",
    many=True,
    example={"env": "prod"},
    parse=_label_values,
    tool_help="Labels to set: an object of keys and texts.",
)
