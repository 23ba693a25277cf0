"""Make ``tests/data/api_digest.json``, the facts of Checkmk's official OpenAPI documents that rows are compared with.

Run: python tools/make_digest.py SPECS > tests/data/api_digest.json

SPECS is a folder with documents named ``checkmk-VERSION-EDITION.json.gz``. The documents of a version count together.
For each operation, the digest lists the versions that have it and those that need ``If-Match``, the query parameters,
the body fields with their constraints, and for each answer its media type, fields and enumerations. ``a.b`` is the
field ``b`` of the object ``a``, and ``a[].b`` is a field of the objects in the list ``a``. ``*`` marks a required
field. A fact that does not apply to all versions of the operation has the list of its versions instead of ``true``.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, Iterator, Union

TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list", "object": "dict"}
LEFT_OUT = ("links", "members")  # the same in all answers
MOST_FIELDS = 12  # larger objects, such as the attributes of a host, are listed only by name
Facts = dict[str, Any]


class Document:
    """An OpenAPI document, with its references resolved where they are needed."""

    def __init__(self, data: Facts) -> None:
        self.data = data

    def resolve(self, node: Any) -> Facts:
        """Return the schema, parameter or response that a node refers to."""
        while isinstance(node, dict) and "$ref" in node:
            target: Any = self.data
            for step in node["$ref"].lstrip("#/").split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")]
            node = target
        return node if isinstance(node, dict) else {}

    def alternatives(self, node: Any) -> list[Facts]:
        """Return the schemas that a node may stand for, without null."""
        schema = self.resolve(node)
        parts = schema.get("oneOf") or schema.get("anyOf")
        if not parts:
            return [schema]
        found = [found for part in parts for found in self.alternatives(part)]
        return [part for part in found if part.get("type") != "null"] or [{}]

    def fields(self, node: Any) -> dict[str, tuple[Facts, bool]]:
        """Return the properties of an object schema, and whether each is required in every alternative."""
        found: dict[str, tuple[Facts, bool]] = {}
        alternatives = self.alternatives(node)
        for schema in alternatives:
            properties = {
                name: (part, name in schema.get("required", ())) for name, part in schema.get("properties", {}).items()
            }
            for part in schema.get("allOf", ()):
                properties = {**self.fields(part), **properties}
            for name, (part, required) in properties.items():
                found[name] = (part, required and found.get(name, (part, True))[1])
        everywhere = [set(schema.get("properties", {})) for schema in alternatives if "allOf" not in schema]
        return {
            name: (part, required and all(name in names for names in everywhere))
            for name, (part, required) in found.items()
        }

    def items(self, node: Any) -> Facts:
        """Return the schema of the items of a list, or an empty schema."""
        found = [schema["items"] for schema in self.alternatives(node) if "items" in schema]
        return self.resolve(found[0]) if len(found) == 1 else {}

    def names_of(self, node: Any) -> list[str]:
        """Return the values that a constant field can have."""
        found = [schema.get("const", schema.get("default")) for schema in self.alternatives(node)]
        return [name for name in found if isinstance(name, str)]

    def type_of(self, node: Any) -> str:
        """Return the name of the Python type of a schema, or ``any``."""
        names = set()
        for schema in self.alternatives(node):
            kinds = schema.get("type", "object" if "properties" in schema or "allOf" in schema else "any")
            names |= {
                TYPES.get(kind, "any") for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind != "null"
            }
        return names.pop() if len(names) == 1 else "any"

    def constraints(self, node: Any) -> Facts:
        """Return the pattern, the choices and the shortest length of a field, if it has them."""
        found: Facts = {}
        for schema in self.alternatives(node):
            if schema.get("pattern"):
                found["pattern"] = schema["pattern"]
            if schema.get("enum"):
                found["choices"] = sorted({str(value) for value in schema["enum"]} | set(found.get("choices", ())))
            if schema.get("minLength"):
                found["min_length"] = schema["minLength"]
        return found


def nested_fields(document: Document, node: Any, prefix: str = "", depth: int = 4) -> Iterator[tuple[str, Facts, bool]]:
    """Yield the path, the schema, and whether it is required, of each field of an object and of the objects in it."""
    for name, (part, required) in document.fields(node).items():
        path = prefix + name
        yield path, part, required
        items = document.items(part)
        if items and not document.fields(items):
            yield f"{path}[]", items, False
        if depth > 1 and name not in LEFT_OUT:
            for schema, end in ((part, "."), (items, "[].")):
                if len(document.fields(schema)) <= MOST_FIELDS:
                    yield from nested_fields(document, schema, path + end, depth - 1)


def label(document: Document, name: str, node: Any, required: bool) -> str:
    """Return a field with its type, such as ``alias*:str``."""
    return f"{name}{'*' if required else ''}:{document.type_of(node)}"


def request_facts(document: Document, operation: Facts) -> Iterator[tuple[str, ...]]:
    """Yield the media types of a request, its fields, and their constraints."""
    content = document.resolve(operation.get("requestBody", {})).get("content", {})
    for media, body in content.items():
        yield "sends", media
        for path, node, required in nested_fields(document, body.get("schema", {})):
            yield "body", label(document, path, node, required)
            for kind, value in document.constraints(node).items():
                yield kind, path, json.dumps(value)


def answer_facts(document: Document, operation: Facts) -> Iterator[tuple[str, ...]]:
    """Yield each documented success or redirect with its media type, its fields, and their enumerations."""
    for status, node in operation.get("responses", {}).items():
        if status[0] not in "23":
            continue
        for media, body in (document.resolve(node).get("content") or {"": {}}).items():
            answer = f"{status} {media}".strip()
            yield "answers", answer, ""
            for path, part, _ in nested_fields(document, body.get("schema", {}), depth=3):
                yield "answers", answer, label(document, path, part, required=False)
                if "choices" in document.constraints(part):
                    yield "answer_choices", path, json.dumps(document.constraints(part)["choices"])
                if path in ("domainType", "value[].domainType"):
                    yield from (("domain_type", path, name) for name in document.names_of(part))


def operation_facts(document: Document, operation: Facts, shared: list[Any]) -> Iterator[tuple[str, ...]]:
    """Yield each fact of an operation as the path to it in the digest."""
    yield ("in",)
    for node in [*shared, *operation.get("parameters", ())]:
        parameter = document.resolve(node)
        name, required = parameter["name"], bool(parameter.get("required"))
        if parameter["in"] == "query":
            yield "query", label(document, name, parameter.get("schema", {}), required)
        elif parameter["in"] == "path" and parameter.get("schema", {}).get("pattern"):
            yield "path_pattern", name, json.dumps(parameter["schema"]["pattern"])
        elif parameter["in"] == "header" and name == "If-Match":
            yield ("if_match",)
        elif parameter["in"] == "header" and name == "Accept":
            yield ("accept",)
    yield from request_facts(document, operation)
    yield from answer_facts(document, operation)


def make_digest(folder: Path) -> Facts:
    """Return the digest of all documents in a folder."""
    seen: dict[str, dict[tuple[str, ...], set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in sorted(folder.glob("checkmk-*.json.gz")):
        version = re.findall(r"checkmk-(\d+\.\d+)", path.name)[0]
        document = Document(json.loads(gzip.decompress(path.read_bytes())))
        for url, item in document.data["paths"].items():
            for method, operation in item.items():
                if method in ("get", "post", "put", "delete", "patch"):
                    for fact in operation_facts(document, operation, item.get("parameters", [])):
                        seen[f"{method.upper()} {url}"][fact].add(version)
    return {name: digest_of(facts) for name, facts in sorted(seen.items())}


def digest_of(facts: dict[tuple[str, ...], set[str]]) -> Facts:
    """Return the facts of one operation as nested objects."""
    versions = facts[("in",)]
    digest: Facts = {"in": sorted(versions)}
    for path, seen in sorted(facts.items()):
        known: Union[bool, list[str]] = True if seen == versions else sorted(seen)
        place = digest
        for step in path[:-1]:
            place = place.setdefault(step, {})
        if path != ("in",):
            place[path[-1]] = known
    return digest


if __name__ == "__main__":
    sys.stdout.write(json.dumps(make_digest(Path(sys.argv[1])), indent=0, sort_keys=True) + "\n")
