"""JSON Schemas of attributes of hosts and folders, and of fields of plain nouns, for editors.

They accept every value that some version of Checkmk accepts. Null removes a value.
"""

from __future__ import annotations

from typing import Any, Collection, Mapping, Optional, Sequence

from .attributes import ADDRESSES, BUILT_IN, CHOICES, FLAGS, LISTS, MAPPINGS, NOT_OF_FOLDERS, TAG, is_string_attribute
from .field import Field
from .labels import ADOPTED_LABEL, OWNER_LABEL
from .noun import Noun
from .request_shapes import attribute_shape

Schema = dict[str, Any]

_TYPES: Mapping[Any, str] = {str: "string", int: "integer", bool: "boolean", list: "array", dict: "object"}
TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
_NULL: Schema = {"type": "null"}
_NAMED: Mapping[str, Schema] = {
    "bool": {"type": "boolean"},
    "ipv4": {**TEXT, "format": "ipv4"},
    "regex": {**TEXT, "format": "regex"},
    "short": {**TEXT, "maxLength": 30},
    "time": {**TEXT, "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"},
    **dict.fromkeys(("group", "network", "str", "user"), TEXT),
}


def attributes_schema(
    kind: str,
    tags: Optional[Mapping[str, Sequence[Mapping[str, Any]]]] = None,
    custom: Optional[Collection[str]] = None,
) -> Schema:
    """Return the schema of the attributes of hosts or folders. ``kind`` is ``host`` or ``folder``.

    ``tags`` are the tags of each tag group of a site, and ``custom`` the names of its custom attributes. Without them,
    every tag and every custom attribute is valid.
    """
    known = {name: _attribute(name) for name in sorted(BUILT_IN)}
    if kind == "folder":
        known.update({name: {**_NULL, "description": "Folders do not have it."} for name in NOT_OF_FOLDERS})
    if tags is not None:
        known = {name: part for name, part in known.items() if not name.startswith(TAG) or name in CHOICES}
        known = {**{f"{TAG}{group}": _tag(found) for group, found in tags.items()}, **known}
    names: Schema = {"pattern": r"^[A-Za-z_][-A-Za-z0-9_]*$", "not": {"const": "meta_data"}}
    if tags is not None:
        names.update({"if": {"pattern": f"^{TAG}"}, "then": {"enum": [name for name in known if name.startswith(TAG)]}})
    return {
        "type": "object",
        "properties": {**known, **{name: {} for name in sorted(custom or ())}, "labels": labels_schema()},
        "patternProperties": {f"^{TAG}": {"type": ["string", "null"]}},
        "propertyNames": names,
        **({} if custom is None else {"additionalProperties": False}),
    }


def _tag(found: Sequence[Mapping[str, Any]]) -> Schema:
    return {
        "enum": [*dict.fromkeys([*(tag.get("id") for tag in found), None])],
        "description": ", ".join(f"{tag.get('id')}: {tag.get('title')}" for tag in found),
    }


def labels_schema() -> Schema:
    """Return the schema of the labels of a host or folder."""
    names = {"pattern": "^[^:]+$", "not": {"enum": [OWNER_LABEL, ADOPTED_LABEL]}}
    return {"type": "object", "additionalProperties": {"type": ["string", "null"]}, "propertyNames": names}


def fields_schema(noun: Noun) -> dict[str, Schema]:
    """Return the schemas of the fields of a plain noun that an inventory can set, by their keys."""
    schemas = {field.name: _field(field) for field in noun.by_name.values() if not field.assigned}
    literals = [field for field in noun.fields if field.literal]
    return {**schemas, **{field.wire: {**TEXT, "description": "A Python literal."} for field in literals}}


def _field(field: Field) -> Schema:
    schema: Schema = {"description": field.description}
    if field.type in _TYPES:
        schema["type"] = _TYPES[field.type]
    if field.type is str:
        schema.update({"pattern": field.pattern} if field.pattern else {})
        schema.update({"minLength": field.min_length} if field.min_length else {})
        schema.update({"enum": list(field.choices)} if field.choices else {})
    if field.type is list and field.refers_to:
        schema["items"] = TEXT
    return _or_null(schema) if field.removal is not None and "type" in schema else schema


def _attribute(name: str) -> Schema:
    if name in ADDRESSES or name == "parents":
        text = {**TEXT, "pattern": r"^[^\s/]*$" if name in ADDRESSES else r"^[-0-9a-zA-Z_.]+$"}
        return _or_null({"type": "array", "items": text} if name in LISTS else text)
    if name in CHOICES:
        return {"enum": [*CHOICES[name], None]}
    if name in FLAGS:
        return {"type": ["boolean", "null"]}
    if name in LISTS:
        return _or_null(TEXTS)
    if name in MAPPINGS:
        return _or_null(_shape(attribute_shape(name), is_partial=True))
    return {"type": ["string", "null"]} if is_string_attribute(name) else {}


def _or_null(schema: Schema) -> Schema:
    enum = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **enum}


def _shape(shape: Any, is_partial: bool = False) -> Schema:
    """Return the schema of a shape. With ``is_partial``, a mapping may lack keys, because it is merged."""
    if isinstance(shape, str):
        return _NAMED[shape] if shape in _NAMED else _shape(attribute_shape(shape), is_partial)
    if "kinds" in shape:
        kinds = {kind: _shape(part, is_partial) for kind, part in shape["kinds"].items()}
        cases = [
            {"if": {"type": "object", "properties": {"type": {"const": kind}}, "required": ["type"]}, "then": part}
            for kind, part in kinds.items()
        ]
        needed = [] if is_partial else ["type"]
        return {"type": "object", "properties": {"type": {"enum": [*kinds]}}, "allOf": cases, "required": needed}
    if "members" in shape:
        members = shape["members"].items()
        required = [] if is_partial else [name for name, _ in members if name[-1] != "?"]
        properties = {name.rstrip("?"): _shape(part) for name, part in members}
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    if "list" in shape:
        return {"type": "array", "items": _shape(shape["list"])}
    return {**shape, "type": "integer"} if "minimum" in shape else {**shape, **TEXT}
