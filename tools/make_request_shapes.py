"""Make ``checkmk_sync/catalogue/request_shapes.json``, the shapes of requests with deep bodies in each version.

Run: python tools/make_request_shapes.py SPECS > checkmk_sync/catalogue/request_shapes.json

SPECS is a folder with the official OpenAPI documents. ``versions`` maps the first version with a shape to the shapes of
the requests that create objects, by noun. ``shapes`` contains the shapes by name. A shape is one of:

- a reference to another shape, such as ``"#Checkbox"``;
- ``{"members": {…}}``, an object, with ``?`` after the names of members that are not required, and ``"others": true``
  if it can have more members;
- ``{"by": NAME, "kinds": {…}}``, an object whose member NAME selects its shape;
- ``{"list": SHAPE}``, with ``"unique": true`` if no two entries may be equal;
- ``"str"``, ``"int"``, ``"bool"`` or ``"any"``;
- an object with one of these as its ``type``, and a ``pattern``, a ``format``, a ``minimum`` or a ``minLength``;
- ``{"enum": […]}``.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

# The first version with the shapes of a document. CHECKMK_API_MORE: up to 2.4.0p21, all options are required.
DOCUMENTS = {
    "2.2.0b1": "checkmk-2.2.0p44-raw",
    "2.3.0b1": "checkmk-2.3.0p41-commercial",
    "2.4.0b1": "checkmk-2.4.0p17-commercial",
    "2.4.0p22": "checkmk-2.4.0-managed",
    "2.5.0b1": "checkmk-2.5.0-ultimatemt",
}
OPEN = ("CustomPlugin",)  # Checkmk: the parameters of own scripts (request_schemas.py)
ROOTS = {"notification_rules": "NotificationRuleRequest", "rules": "InputRuleObject"}
TYPES = {"string": "str", "integer": "int", "boolean": "bool"}
CONSTRAINTS = ("format", "minimum", "minLength", "pattern")


class Shapes:
    """The shapes of all documents. Equal shapes of several documents occur once."""

    def __init__(self) -> None:
        self.by_name: dict[str, Any] = {}

    def read(self, schemas: dict[str, Any], version: str) -> dict[str, Any]:
        """Add the shapes of a document, and return the shape that contains its roots."""
        known: dict[str, str] = {}

        def reference(name: str) -> str:
            if name not in known:
                shape = convert({key: value for key, value in schemas[name].items() if key != "$ref"})
                if name in OPEN:
                    shape["others"] = True
                others = {other: found for other, found in self.by_name.items() if other.partition("@")[0] == name}
                new = f"{name}@{version}" if others else name
                unique = next((other for other, found in others.items() if found == shape), new)
                self.by_name[unique] = shape
                known[name] = f"#{unique}"
            return known[name]

        def convert(schema: dict[str, Any]) -> Any:
            if "$ref" in schema:
                return reference(schema["$ref"].rpartition("/")[2])
            if len(schema.get("allOf", ())) == 1:
                return convert(schema["allOf"][0])
            if "discriminator" in schema:
                kinds = schema["discriminator"]["mapping"]
                by = schema["discriminator"]["propertyName"]
                return {"by": by, "kinds": {kind: convert({"$ref": target}) for kind, target in sorted(kinds.items())}}
            if "properties" in schema:
                required = schema.get("required", ())
                members = sorted(schema["properties"].items())
                return {"members": {name if name in required else f"{name}?": convert(part) for name, part in members}}
            return self._convert_simple(schema, convert)

        return {"members": {name: reference(root) for name, root in ROOTS.items()}}

    def _convert_simple(self, schema: dict[str, Any], convert: Any) -> Any:
        if "enum" in schema:
            return {"enum": sorted(set(schema["enum"]))}
        if schema.get("type") == "array":
            return {"list": convert(schema["items"]), **({"unique": True} if schema.get("uniqueItems") else {})}
        kinds = schema.get("type", "any")
        name = TYPES.get(kinds if isinstance(kinds, str) else kinds[0], "any")
        shape = {key: schema[key] for key in CONSTRAINTS if key in schema}
        return {"type": name, **shape} if shape else name


def main(folder: Path) -> None:
    shapes, versions = Shapes(), {}
    for version, name in DOCUMENTS.items():
        with gzip.open(folder / f"{name}.json.gz") as file:
            versions[version] = shapes.read(json.load(file)["components"]["schemas"], version)
    lines = [f"{json.dumps(name)}: {json.dumps(shape)}" for name, shape in sorted(shapes.by_name.items())]
    sys.stdout.write(f'{{"versions": {json.dumps(versions)}, "shapes": {{\n' + ",\n".join(lines) + "\n}}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
