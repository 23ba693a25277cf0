"""Bodies of requests for plain nouns, made of the examples in their rows."""

from __future__ import annotations

from typing import Any

from checkmk_sync.catalogue.noun import Noun
from checkmk_sync.catalogue.versions import CheckmkVersion
from checkmk_sync.client.object_format import noun_format

__all__ = ["example_body"]


def example_body(noun: Noun, verb: str = "create", *, needed: bool = False) -> dict[str, Any]:
    """Return the body of a creation or an update at 2.4. ``needed`` leaves out the fields that are not required."""
    known = noun_format(noun.name, CheckmkVersion.parse("2.4.0p18"), "cre")
    is_update = verb == "update"
    fields = [
        field
        for field in known.fields.values()
        if field.example is not None
        and (field.required or field is known.key or not needed)
        and not (is_update and (field is known.key or field.fixed))
        and (is_update or field.creation_wire is not None)
    ]
    values = {field.name: field.example for field in fields}
    return known.body(values) if is_update else known.creation_body(values)
