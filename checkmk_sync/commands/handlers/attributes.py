"""Conversion of attributes and labels from arguments, and into results."""

from __future__ import annotations

import contextlib
from typing import Any, Mapping, Optional, Union

from ...catalogue.attributes import BUILT_IN, CHOICES, MASK, TAG, attribute_value, contains_mask
from ...catalogue.labels import OWNER_LABEL
from ...client.checkmk import Checkmk
from ...client.records import Folder, Host
from ...client.site_attributes import SiteAttributes
from ...errors import CheckmkError
from ..command import Row

_OWN_LABELS = OWNER_LABEL.partition("/")[0] + "/"


def settings_of(record: Union[Host, Folder]) -> Row:
    """Return the attributes, labels and owner of a record in the form of an inventory, so that ``plan`` can read them.

    Labels of this program are left out. ``owner`` contains their information.
    """
    # In an inventory, null removes an attribute, so an attribute without a value is left out.
    attributes = {name: value for name, value in record.attributes.items() if name != "labels" and value is not None}
    labels = {key: value for key, value in record.labels.items() if not key.startswith(_OWN_LABELS)}
    return {"attributes": attributes, "labels": labels, "owner": record.owner}


def attribute_values(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes with strings converted to values, as in a CSV inventory.

    Raises ValueError with the name of the attribute for broken JSON, and for *** in place of a secret.
    """
    values = {}
    for name, value in attributes.items():
        try:
            values[name] = attribute_value(name, value) if isinstance(value, str) else value
            if contains_mask(name, values[name]):
                raise ValueError(MASK)
        except ValueError as error:
            raise ValueError(f"--attribute {name}: {error}") from None
    labels = values.get("labels", {})
    if not isinstance(labels, Mapping):
        raise ValueError("labels must be a mapping of keys to strings")
    label_values(labels)
    return values


def label_values(labels: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels. Raises ValueError if a value is empty, not a string, or the mask of a secret."""
    for key, value in labels.items():
        if not isinstance(value, str):
            raise ValueError(f"the label {key} must be a string")
        if not value:
            raise ValueError(f"the label {key} needs a value; to remove it, give --remove-label {key}")
        if contains_mask(key, value):
            raise ValueError(f"the label {key}: {MASK}")
    return dict(labels)


def complete_attribute(client: Optional[Checkmk], text: str, host: Optional[str]) -> list[str]:
    """Return the names of attributes that begin with ``text``, or after ``NAME=`` the values with the name.

    Without an answer of the site, these are only the names and values that Checkmk defines.
    """
    name, equals, _ = text.partition("=")
    found = SiteAttributes()
    if client is not None and not (equals and name in CHOICES):
        with contextlib.suppress(CheckmkError):
            found = client.host_attributes.read(None if equals else host)
    tags = {f"{TAG}{group}": [tag["id"] for tag in known] for group, known in (found.tags or {}).items()}
    if equals:
        known = {**CHOICES, **tags}.get(name, ())
        return [value for value in (f"{name}={tag}" for tag in known if tag) if value.startswith(text)]
    return sorted(known for known in {*BUILT_IN, *tags, *(found.custom or ())} if known.startswith(text))
