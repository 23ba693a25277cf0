"""The attributes that plans check match the official documents of Checkmk."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from checkmk_sync.catalogue.attributes import BUILT_IN, CHOICES, NEWER, NOT_OF_FOLDERS, SAMPLE_TAGS
from checkmk_sync.catalogue.versions import CheckmkVersion
from checkmk_sync.sync.shapes import shape_problem
from tests.conftest import shared_folder


def _schemas() -> dict[str, Any]:
    return {
        path.name: json.loads(gzip.decompress(path.read_bytes()))["components"]["schemas"]
        for path in sorted(shared_folder("specs").glob("*.gz"))
    }


def test_the_built_in_attributes_match_the_official_documents() -> None:
    for name, schemas in _schemas().items():
        host, folder = (set(schemas[f"{kind}CreateAttribute"]["properties"]) for kind in ("Host", "Folder"))
        assert host - folder <= NOT_OF_FOLDERS, name
        assert not folder & NOT_OF_FOLDERS, name
        own = {
            attribute for attribute in host if not attribute.startswith("tag_") or attribute in (*CHOICES, *SAMPLE_TAGS)
        }
        assert own - {"labels"} <= BUILT_IN, name
        version = CheckmkVersion.parse(name.split("-")[1])
        missing = {attribute for attribute, since in NEWER.items() if not version.at_least(since)}
        assert not host & missing, name
        for attribute, values in CHOICES.items():
            if attribute in schemas["HostCreateAttribute"]["properties"]:
                assert set(schemas["HostCreateAttribute"]["properties"][attribute]["enum"]) == set(values), name


def _examples(schemas: dict[str, Any], schema: Any, name: str = "") -> Any:
    """Return values that cover every key of a schema."""
    if "$ref" in schema:
        return _examples(schemas, schemas[schema["$ref"].rpartition("/")[2]])
    if "discriminator" in schema:
        kind, target = sorted(schema["discriminator"]["mapping"].items())[0]
        return {**_examples(schemas, {"$ref": target}), "type": kind}
    for key in ("allOf", "anyOf"):
        if key in schema:
            return _examples(schemas, schema[key][0])
    if schema.get("type") == "array":
        return [_examples(schemas, schema["items"], name)]
    if schema.get("type") == "object":
        return {key: _examples(schemas, part, key) for key, part in schema["properties"].items()}
    if "enum" in schema:
        return schema["enum"][0]
    if name in ("from_address", "to_address", "addresses"):
        return "192.0.2.1"
    if schema.get("type") == "integer":
        return schema.get("minimum", 1)
    if schema.get("type") == "boolean":
        return True
    return "08:30" if "pattern" in schema else "x" * 9


@pytest.mark.parametrize(
    "name",
    [
        "contactgroups", "locked_by", "management_ipmi_credentials", "management_snmp_community", "network_scan",
        "snmp_community",
    ],
)  # fmt: skip
def test_the_shapes_match_the_official_documents(name: str) -> None:
    for file, schemas in _schemas().items():
        value = _examples(schemas, schemas["HostCreateAttribute"]["properties"][name])
        assert shape_problem(name, value) is None, (file, value)
        for key in set(value) - {"type"}:
            assert shape_problem(name, {**value, f"{key}x": 1}) is not None
