"""JSON Schemas of inventories and mapping files, for editors. They come from the tables that also check the files.

``schemas.json`` contains the parts that do not depend on the kinds of objects.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Collection, Optional

from ..catalogue.value_schemas import Schema, attributes_schema, fields_schema, labels_schema
from ..client.site_attributes import SiteAttributes
from .kinds import IGNORE, KINDS, ONLY_AT_CREATION, SyncKind
from .templates import FILTERS
from .words import INHERITED, kinds_with_words_of, properties_for_words

_READ_ONLY = ("owner", "effective_attributes")


def inventory_schema(attributes: Optional[SiteAttributes] = None) -> Schema:
    """Return the JSON Schema (2020-12) of inventories in YAML and JSON.

    With the ``attributes`` of a site, only its tags and, if they are known, its custom attributes are valid.
    """
    schema: Schema = _fixed_parts()["inventory"]
    words = _words(KINDS.values())
    schema["else"]["properties"]["defaults"]["properties"] = {word: words[word] for word in INHERITED}
    for kind in KINDS.values():
        entries = {"type": ["array", "null"], "items": {"$ref": f"#/$defs/{kind.section}"}}
        schema["else"]["properties"][kind.section] = entries
        schema["$defs"][kind.section] = _entry(kind, attributes or SiteAttributes())
    return schema


def mapping_schema() -> Schema:
    """Return the JSON Schema (2020-12) of mapping files."""
    first, *others = sorted(KINDS.values(), key=lambda kind: kind.name != "host")  # hosts are the default
    tests = [{"properties": {"kind": {"const": kind.name}}, "required": ["kind"]} for kind in others]
    cases = [{"if": test, "then": _mapping(kind)} for test, kind in zip(tests, others)]
    kinds = {"kind": {"enum": [*KINDS]}}
    return {
        **_fixed_parts()["mapping"],
        "properties": kinds,
        "allOf": [*cases, {"if": {"anyOf": tests}, "else": _mapping(first)}],
    }


def _fixed_parts() -> Any:
    return json.loads(Path(__file__).with_name("schemas.json").read_text("utf-8"))


def _entry(kind: SyncKind, attributes: SiteAttributes) -> Schema:
    """Return the schema of an entry of an inventory."""
    fixed = _fixed_parts()
    known = {**fixed["keys"], **_words(kinds_with_words_of(kind)), "labels": labels_schema()}
    known["attributes"] = attributes_schema(kind.name, attributes.tags, attributes.custom)
    if kind.noun is not None:
        known.update({kind.keys[0]: {"type": "string"}, **fields_schema(kind.noun)})
    properties = {key: known[key] for key in (*kind.keys, *_READ_ONLY)}
    return {**fixed["entry"], "properties": properties, "required": [kind.keys[0]]}


def _words(kinds: Collection[SyncKind]) -> dict[str, Schema]:
    words: dict[str, Schema] = _fixed_parts()["words"]
    sections, names = properties_for_words(kinds)
    members = [{"type": "string", "pattern": f"^{section}\\..+$"} for section in sections]
    for word in (ONLY_AT_CREATION, IGNORE):
        words[word]["items"] = {"anyOf": [{"enum": list(names)}, *members]}
    return words


def _mapping(kind: SyncKind) -> Schema:
    """Return the schema of a mapping file for a kind."""
    template = {
        "type": "string",
        "description": f"A template, such as {{Column|lower}}. Filters: {', '.join(FILTERS)}.",
    }
    values: dict[str, Schema] = {key: {} for key in kind.keys}
    if kind.noun is None:
        values.update({key: template for key in ("folder", "title", "previous_name") if key in values})
        values.update({key: {"type": ["object", "null"]} for key in ("attributes", "labels")})
    values.update({word: {"anyOf": [template, part]} for word, part in _words(kinds_with_words_of(kind)).items()})
    values.update({**_fixed_parts()["mapping_keys"], kind.keys[0]: template})
    return {"properties": values, "required": [kind.keys[0]], "additionalProperties": False}
