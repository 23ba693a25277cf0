"""Draft the row of a noun from Checkmk's official OpenAPI documents.

Run: python tools/draft_noun.py DOMAIN_TYPE [SPECS]

It prints a module for ``checkmk_sync/catalogue/nouns/``. SPECS is a folder with the documents, as for make_digest.py;
without it, the facts come from ``tests/data/api_digest.json``. Names are guessed from the domain type. Descriptions and
examples are left to the author as "…", and so are the facts that the documents do not have: canonical forms, references
to other nouns, the rank.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any, Iterator, Optional

LINES = ("2.2", "2.3", "2.4", "2.5")
VERBS = {
    "list": "GET /domain-types/{domain}/collections/all",
    "get": "GET /objects/{domain}/{}",
    "create": "POST /domain-types/{domain}/collections/all",
    "update": "PUT /objects/{domain}/{}",
    "delete": "DELETE /objects/{domain}/{}",
    "bulk_create": "POST /domain-types/{domain}/actions/bulk-create/invoke",
    "bulk_update": "PUT /domain-types/{domain}/actions/bulk-update/invoke",
    "bulk_delete": "POST /domain-types/{domain}/actions/bulk-delete/invoke",
}
DELETE_ACTION = "POST /objects/{domain}/{}/actions/delete/invoke"
TYPES = {"list": "list[Any]", "dict": "dict[str, Any]", "any": "Any"}
Facts = dict[str, Any]


def load_digest(specs: Optional[str]) -> dict[str, Facts]:
    """Return the digest of the documents, with ``{}`` for each parameter in a path."""
    if specs is None:
        path = Path(__file__).parent.parent / "tests/data/api_digest.json"
        found: dict[str, Facts] = json.loads(path.read_text("utf-8"))
    else:
        spec = importlib.util.spec_from_file_location("make_digest", Path(__file__).with_name("make_digest.py"))
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found = module.make_digest(Path(specs))
    return {re.sub(r"\{\w+\}", "{}", name): facts for name, facts in found.items()}


class Draft:
    """The facts of a domain type, written as a row."""

    def __init__(self, domain: str, digest: dict[str, Facts]) -> None:
        self.domain = domain
        urls = {verb: url.replace("{domain}", domain) for verb, url in VERBS.items()}
        self.operations = {verb: digest[url] for verb, url in urls.items() if url in digest}
        delete_action = DELETE_ACTION.replace("{domain}", domain)
        self.deleted_by_action = "delete" not in self.operations and delete_action in digest
        if self.deleted_by_action:
            self.operations["delete"] = digest[delete_action]
        used = {*urls.values(), delete_action}
        self.further = [
            url for url in digest if re.search(rf"/(domain-types|objects)/{domain}/", url) and url not in used
        ]
        if "create" not in self.operations or "get" not in self.operations:
            raise SystemExit(f"{domain} has no standard operations to create and read objects: {self.further}")
        self.body = self._fields("create")
        self.answer = self._fields("get", "answers", "200 application/json")
        self.key = self._key()

    def _fields(self, verb: str, *place: str) -> dict[str, dict[str, list[str]]]:
        """Return the fields of a request or an answer, with the lines of each label, such as ``alias*:str``."""
        facts: Any = self.operations.get(verb, {})
        for step in place or ("body",):
            facts = facts.get(step, {})
        found: dict[str, dict[str, list[str]]] = {}
        for label, lines in facts.items():
            name = label.rpartition(":")[0].rstrip("*")
            found.setdefault(name, {})[label] = self.operations[verb]["in"] if lines is True else lines
        return found

    def _key(self) -> str:
        """Return the name of the key in requests, or an empty string if the site chooses it."""
        for name in (*self.operations["get"].get("path_pattern", ()), "name", "ident", "id", f"{self.domain}_id"):
            if name in self.body:
                return str(name)
        return ""

    def lines(self) -> Iterator[str]:
        """Yield the lines of the module."""
        name = re.sub(r"_config$", "", self.domain)
        body = [self._key_line(), *self._field_lines()]
        words = set(re.findall(r"\w+", "\n".join((decorator := self._decorator(name), *body))))
        typed = [word for word in ("Any", "Optional") if word in words]
        names = [*sorted(words & {"ALWAYS", "BULK", "CRUD", "MANAGED"}), "Record", "attr", "key", "noun"]
        yield from ('"""…"""', "", "from __future__ import annotations", "")
        yield from (f"from typing import {', '.join(typed)}", "") if typed else ()
        class_name = "".join(map(str.capitalize, name.split("_")))
        yield from (f"from ..noun import {', '.join(names)}", "", "")
        yield from (f"# The documents also have {url}." for url in self.further)
        updated = sorted(name for name in self._fields("update") if name not in self.body and not _is_nested(name))
        yield from (f"# Updates also have {name}." for name in updated)
        yield from (decorator, f"class {class_name}(Record):", '    """…"""', "", *body)

    def _decorator(self, name: str) -> str:
        singular = name.replace("_", " ")
        groups = []
        for group, verbs in (("CRUD", list(VERBS)[:5]), ("BULK", list(VERBS)[5:])):
            there = [verb for verb in verbs if verb in self.operations]
            groups += (
                [group] if there == verbs else [json.dumps(there).replace("[", "(").replace("]", ",)")] * bool(there)
            )
        etags = {
            verb: _since(self._lines_of(facts, facts["if_match"]), facts["in"])
            for verb, facts in self.operations.items()
            if "if_match" in facts
        }
        exceptions = [] if etags == {"update": ""} else [f"if_match={_etags(etags)}"]
        exceptions += ['delete=("POST", "/actions/delete/invoke")'] * self.deleted_by_action
        arguments = [f'"{name}s"', f'"{singular}"', f'"{self.domain}"', *groups, "rank=10", *exceptions]
        return f"@noun({', '.join(arguments)})"

    @staticmethod
    def _lines_of(facts: Facts, lines: Any) -> list[str]:
        return list(facts["in"] if lines is True else lines)

    def _key_line(self) -> str:
        facts = [] if self.key == "name" else [f'wire="{self.key}"'] if self.key else ["assigned=True"]
        patterns = self.operations["create"].get("pattern", {}).get(self.key, {})
        if not patterns:
            patterns = next(iter(self.operations["get"].get("path_pattern", {}).values()), {})
        return _declared("name: str = key", [*facts, *self._constraint("pattern", patterns)])

    def _field_lines(self) -> list[str]:
        names = [name for name in self.body if name != self.key and not _is_nested(name)]
        made = [self._field_line(name) for name in names]
        # A dataclass needs the fields without a default first.
        return sorted(made, key=lambda line: "default=None" in line)

    def _field_line(self, name: str) -> str:
        labels = self.body[name]
        lines = sorted({line for seen in labels.values() for line in seen})
        newest = max(labels, key=lambda label: labels[label][-1])
        required, is_returned = "*" in newest, self._at(name) is not None
        kind = newest.rpartition(":")[2]
        if kind == "list" and set(self.body.get(f"{name}[]", ())) == {f"{name}[]:str"}:
            kind = "list[str]"
        annotation = TYPES.get(kind, kind)
        facts = []
        if not required or not is_returned:
            annotation = annotation if annotation == "Any" else f"Optional[{annotation}]"
            facts += ["default=None"] + ["required=True"] * required
        if not is_returned:
            facts += ["at=()"] + ["secret=True"] * bool(re.search("password|secret", name))
        elif self._at(name):
            facts.append(str(self._at(name)))
        for kind in ("pattern", "choices", "min_length"):
            facts += self._constraint(kind, self.operations["create"].get(kind, {}).get(name, {}))
        update = self._fields("update").get(name, {})
        facts += ["repeated=True"] if any("*" in label for label in update) else []
        facts += self._versions(name, lines)
        notes = [] if len(labels) == 1 else [f"in {'/'.join(seen)}: {label}" for label, seen in labels.items()]
        notes += ["not in updates"] * (not update)
        comment = f"  # {'; '.join(notes)}" if notes else ""
        return _declared(f"{name}: {annotation} = attr", facts) + comment

    def _versions(self, name: str, lines: list[str]) -> list[str]:
        if name == "customer":  # only the documents of some versions are from an edition that has it
            return ["editions=MANAGED"]
        everywhere = self.operations["create"]["in"]
        since = _since(lines, everywhere)
        facts = [f'since="{since}"'] if since else []
        later = [line for line in everywhere if line > lines[-1]]
        return facts + ([f'until="{later[0]}.0b1"'] if later else [])

    def _at(self, name: str) -> Optional[str]:
        """Return the argument with the place of a value in answers, or None if answers do not have it."""
        if f"extensions.{name}" in self.answer:
            return ""
        if name == "customer":
            return ""
        return 'at=("title",)' if name in ("title", "alias") and "title" in self.answer else None

    @staticmethod
    def _constraint(kind: str, documented: Facts) -> list[str]:
        """Return the argument with the newest of the documented values."""
        if not documented:
            return []
        newest = max(documented, key=lambda value: LINES if documented[value] is True else documented[value])
        value = json.loads(newest)
        text = f'r"{value}"' if kind == "pattern" else repr(tuple(value)) if kind == "choices" else repr(value)
        return [f"{kind}={text}"]


def _is_nested(name: str) -> bool:
    return "." in name or "[" in name


def _declared(start: str, facts: list[str]) -> str:
    """Return the line of a field."""
    arguments = ", ".join(['"…"', *facts, 'example="…"'])
    return f"    {start}({arguments})"


def _since(lines: list[str], everywhere: list[str]) -> str:
    """Return the first version with a feature, or an empty string if all versions have it."""
    return "" if lines[0] == everywhere[0] else f"{lines[0]}.0b1"


def _etags(etags: dict[str, str]) -> str:
    pairs = (f'"{verb}": {"ALWAYS" if not since else json.dumps(since)}' for verb, since in etags.items())
    return f"{{{', '.join(pairs)}}}"


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit("Run: python tools/draft_noun.py DOMAIN_TYPE [SPECS]")
    draft = Draft(sys.argv[1], load_digest(*sys.argv[2:] or (None,)))
    sys.stdout.write("\n".join(draft.lines()) + "\n")
