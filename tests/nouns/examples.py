"""Bodies of requests for plain nouns, made of the examples in their rows."""

from __future__ import annotations

from typing import Any

from checkmk_sync.catalogue.noun import Noun
from checkmk_sync.catalogue.versions import CheckmkVersion
from checkmk_sync.client.object_format import noun_format

__all__ = ["example_body"]


def example_body(noun: Noun, verb: str = "create", *, needed: bool = False) -> dict[str, Any]:
    """Return the body of a creation or an update at 2.4, or the values that the site stores for an example.

    ``needed`` leaves out the fields that are not required.
    """
    known = noun_format(noun.name, CheckmkVersion.parse("2.4.0p18"), "cre")
    is_update, is_creation = verb == "update", verb == "create"
    fields = [
        field
        for field in known.fields.values()
        if field.example is not None
        and (field.required or field is known.key or not needed)
        and not (field is known.key and not is_creation)
        and not (is_update and field.fixed)
        and not (is_creation and field.creation_wire is None)
    ]
    values = {field.name: field.example for field in fields}
    return known.creation_body(values) if is_creation else known.body(values)
