"""Make ``tests/data/api_digest.json``, the facts of Checkmk's official OpenAPI documents that rows are compared with.

Run: python tools/make_digest.py SPECS > tests/data/api_digest.json

SPECS is a folder with documents named ``checkmk-VERSION-EDITION.json.gz``. The documents of a version count together.
For each operation, the digest lists the versions that have it and those that need ``If-Match``, the query parameters
and body fields, and for each answer its media type and fields. ``*`` marks a required field. A fact that does not
apply to all versions of the operation has the list of its versions instead of ``true``.
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


def label(document: Document, name: str, node: Any, required: bool) -> str:
    """Return a field with its type, such as ``alias*:str``."""
    return f"{name}{'*' if required else ''}:{document.type_of(node)}"


def body_fields(document: Document, operation: Facts) -> Iterator[tuple[str, Facts]]:
    """Yield the fields of a request, with their constraints, and those of the entries of a bulk call."""
    content = document.resolve(operation.get("requestBody", {})).get("content", {})
    for media in content.values():
        for name, (node, required) in document.fields(media.get("schema", {})).items():
            yield label(document, name, node, required), document.constraints(node)
            if name == "entries":
                items = document.resolve(node).get("items", {})
                for inner, (part, needed) in document.fields(items).items():
                    yield label(document, f"entries[].{inner}", part, needed), document.constraints(part)
                    if inner == "attributes" and len(document.fields(part)) < 10:
                        for last, (leaf, must) in document.fields(part).items():
                            yield (
                                label(document, f"entries[].attributes.{last}", leaf, must),
                                document.constraints(leaf),
                            )


def answers(document: Document, operation: Facts) -> Iterator[tuple[str, str]]:
    """Yield each documented success with its media type, and each field of its body."""
    for status, node in operation.get("responses", {}).items():
        if not status.startswith("2") and status != "302":
            continue
        content = document.resolve(node).get("content") or {"": {}}
        for media, body in content.items():
            yield f"{status} {media}".strip(), ""
            fields = document.fields(body.get("schema", {}))
            for name, (part, _) in fields.items():
                yield f"{status} {media}".strip(), f"{name}:{document.type_of(part)}"
            for name, (part, _) in document.fields(fields["extensions"][0]).items() if "extensions" in fields else ():
                yield f"{status} {media}".strip(), f"extensions.{name}:{document.type_of(part)}"


def operation_facts(document: Document, operation: Facts, shared: list[Any]) -> Iterator[tuple[str, ...]]:
    """Yield each fact of an operation as the path to it in the digest."""
    yield ("in",)
    for node in [*shared, *operation.get("parameters", ())]:
        parameter = document.resolve(node)
        name, required = parameter["name"], bool(parameter.get("required"))
        if parameter["in"] == "query":
            yield "query", label(document, name, parameter.get("schema", {}), required)
        elif parameter["in"] == "header" and name == "If-Match":
            yield ("if_match",)
        elif parameter["in"] == "header" and name == "Accept":
            yield ("accept",)
    for field, constraints in body_fields(document, operation):
        yield "body", field
        for kind, value in constraints.items():
            yield kind, re.sub(r"\*?:\w+$", "", field), json.dumps(value)
    for status, field in answers(document, operation):
        yield ("answers", status, field) if field else ("answers", status, "")


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
