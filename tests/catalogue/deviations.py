"""Compares the rows of the catalogue with ``tests/data/api_digest.json``, the facts of the official documents."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any, Iterable, Iterator, Optional

from checkmk_sync.catalogue.field import Field
from checkmk_sync.catalogue.noun import MANAGED, Noun
from checkmk_sync.catalogue.nouns import NOUNS
from checkmk_sync.catalogue.operation import ANY_FIELD, Operation
from checkmk_sync.catalogue.versions import CheckmkVersion
from tests.conftest import ROOT

# The versions of the documents (source: specs/README.md).
VERSIONS = {
    "2.2": CheckmkVersion.parse("2.2.0p44"),
    "2.3": CheckmkVersion.parse("2.3.0p41"),
    "2.4": CheckmkVersion.parse("2.4.0p18"),
    "2.5": CheckmkVersion.parse("2.5.0p9"),
}
# Only the document of 2.5 is from an edition for several customers that lists their fields.
DOCUMENTED_EDITIONS = {MANAGED: {"2.5"}}
TYPES = {str: "str", int: "int", float: "float", bool: "bool", list: "list", dict: "dict"}

Facts = dict[str, Any]
Fields = dict[str, tuple[str, bool]]  # the type of each field, and whether it is required


def load_digest() -> dict[str, Facts]:
    """Return the digest, with ``{}`` for each parameter in a path."""
    found: dict[str, Facts] = json.loads((ROOT / "tests/data/api_digest.json").read_text("utf-8"))
    return {normalized(name): facts for name, facts in found.items()}


def normalized(text: str) -> str:
    """Return a path with ``{}`` for each parameter."""
    return re.sub(r"\{\w+\}", "{}", text)


def serves(row: Any, line: str) -> bool:
    """Return True if the operation or the field exists in the documented version of a release line."""
    version = VERSIONS[line]
    return (row.since is None or version.at_least(row.since)) and not (row.until and version.at_least(row.until))


def in_line(facts: Optional[Facts], line: str) -> list[str]:
    """Return the facts that apply to a release line."""
    return [name for name, lines in (facts or {}).items() if lines is True or line in lines]


def typed_fields(facts: Optional[Facts], line: str) -> Fields:
    """Return the fields of a release line."""
    found = (label.rpartition(":") for label in in_line(facts, line) if label)
    return {name.rstrip("*"): (kind, name.endswith("*")) for name, _, kind in found}


def one_fact(facts: Facts, kind: str, path: str, line: str) -> Any:
    """Return the only value of a constraint, or None if the documents have none."""
    found = in_line(facts.get(kind, {}).get(path), line)
    return json.loads(found[0]) if len(found) == 1 else None


def url_of(row: Operation) -> str:
    return normalized(f"{row.method} {row.path}")


def answers_of(facts: Facts, line: str) -> dict[str, Fields]:
    """Return the documented answers of a release line, and their fields."""
    return {name: typed_fields(fields, line) for name, fields in facts["answers"].items() if in_line(fields, line)}


def operation_deviations(rows: Iterable[Operation], digest: dict[str, Facts]) -> Iterator[str]:
    """Yield each way in which the rows differ from the documented operations."""
    rows = list(rows)
    for row in rows:
        for line in filter(lambda line: serves(row, line), VERSIONS):
            if url_of(row) not in digest or line not in digest[url_of(row)]["in"]:
                yield f"{url_of(row)}: not documented in {line}"
            else:
                yield from (f"{url_of(row)}: {text} in {line}" for text in _differences(row, digest[url_of(row)], line))
    for url in {url_of(row): None for row in rows}:
        for line in digest.get(url, {"in": ()})["in"]:
            if not any(url_of(row) == url and serves(row, line) for row in rows):
                yield f"{url}: no row in {line}"


def _differences(row: Operation, facts: Facts, line: str) -> Iterator[str]:
    needs_etag = facts.get("if_match") is True or line in facts.get("if_match", ())
    if row.if_match is not needs_etag:
        yield "If-Match is needed" if needs_etag else "If-Match is not needed"
    for part, names in (("query", row.query), ("body", row.body)):
        fields = typed_fields(facts.get(part), line)
        allowed = needed = {name for name in fields if not re.search(r"[.\[]", name)}
        if row.noun in NOUNS:
            # The row has the names of all versions. _request_differences() compares those of each version.
            allowed = {label.rpartition(":")[0].rstrip("*") for label in facts.get(part, {})}
            needed = {name for name in needed if fields[name][1]}
        yield from (f"unknown {part} field {name!r}" for name in names if name not in allowed and name != ANY_FIELD)
        yield from (f"missing {part} field {name!r}" for name in sorted(needed - set(names)))
    yield from _answer_differences(row, facts, line)


def _answer_differences(row: Operation, facts: Facts, line: str) -> Iterator[str]:
    answers = answers_of(facts, line)
    for answer in answers:
        status, _, media = answer.partition(" ")
        if media not in ("", row.accept):
            yield f"the answer is {media}"
        if row.expected and int(status) not in {reply.status for reply in row.expected}:
            yield f"the answer {status} is not expected"
    documented = in_line(facts.get("domain_type", {}).get("domainType"), line)
    for reply in row.expected:
        found = [fields for answer, fields in answers.items() if answer.startswith(str(reply.status))]
        if not found:
            yield f"the answer {reply.status} is not documented"
        elif reply.domain_type is None:
            yield from ("the answer has a body",) if found[0] else ()
        elif documented and reply.domain_type not in documented:
            yield f"the answer has the domain type {documented}, not {reply.domain_type!r}"
        elif "domainType" not in found[0]:
            yield "the answer has no domain type"
        elif reply.names and not _is_path(found[0], reply.names):
            yield f"the answer has no {'.'.join(reply.names)!r}"


def _is_path(fields: Fields, steps: tuple[str, ...]) -> bool:
    """Return True if the steps lead to a field, through the items of each list."""
    path = ""
    for step in steps:
        path += step
        if path not in fields:
            return False
        path += "[]." if fields[path][0] == "list" else "."
    return True


def noun_deviations(noun: Noun, digest: dict[str, Facts]) -> Iterator[str]:
    """Yield each way in which a noun differs from the documented operations of its domain type."""
    yield from operation_deviations(noun.operations, digest)
    for url, facts in digest.items():
        if re.search(rf"/(domain-types|objects)/{noun.domain}/", url):
            for line in facts["in"]:
                if not any(url_of(row) == url and serves(row, line) for row in noun.operations):
                    yield f"{url}: no row in {line}"
    for row in noun.operations:
        for line in filter(lambda line: serves(row, line), VERSIONS):
            if line in digest.get(url_of(row), {"in": ()})["in"]:
                found = _field_differences(noun, row, digest[url_of(row)], line)
                yield from (f"{url_of(row)}: {text} in {line}" for text in found)


# The prefix of the fields of each verb in requests.
REQUESTS = {
    "create": "",
    "update": "",
    "bulk_create": "entries[].",
    "bulk_update": "entries[].attributes.",
}


def _field_differences(noun: Noun, row: Operation, facts: Facts, line: str) -> Iterator[str]:
    verb = row.verb
    fields = [_in_line(field, line) for field in noun.fields if serves(field, line)]
    if verb in REQUESTS:
        yield from _request_differences(noun, row, fields, facts, line)
    if "delete" not in verb and verb != "dismiss_warning":
        yield from _value_differences(noun, verb, fields, facts, line)


def _in_line(field: Field, line: str) -> Field:
    return field.in_version(VERSIONS[line])


def _is_documented(field: Field, line: str) -> bool:
    return field.editions is None or line in DOCUMENTED_EDITIONS[field.editions]


def _request_differences(noun: Noun, row: Operation, fields: list[Field], facts: Facts, line: str) -> Iterator[str]:
    verb, prefix = row.verb, REQUESTS[row.verb]
    objects = {outer for field in fields for outer in _outer(field.wire)}  # their members are the fields
    body = {
        name[len(prefix) :]: found
        for name, found in typed_fields(facts.get("body"), line).items()
        if name.startswith(prefix) and _is_field(name[len(prefix) :], objects)
    }
    is_update = verb.endswith("update")
    sent = [
        field if is_update else dataclasses.replace(field, wire=field.creation_wire)
        for field in fields
        if not (field.assigned or field.is_rest) and not (is_update and (field.name == noun.key.name or field.fixed))
        if is_update or field.creation_wire is not None
    ]
    for field in sent:
        if field.wire not in body:
            yield from [f"unknown field {field.wire!r}"] * _is_documented(field, line)
        elif not _is_documented(field, line):
            yield f"the field {field.wire!r} is documented for all editions"
        else:
            yield from _field_facts(noun, field, prefix, body[field.wire], facts, line, is_update)
    former = {form.wire for field in fields for form in field.former}
    for name in sorted(body.keys() - {field.wire for field in sent} - {*row.options}):
        # Sites accept the former name of a field for some time, but no longer require it.
        if name not in former or body[name][1]:
            yield f"missing field {name!r}"


def _outer(path: str) -> list[str]:
    """Return the paths of the objects that contain a field, from the innermost."""
    steps = path.split(".")
    return [".".join(steps[:count]) for count in range(len(steps) - 1, 0, -1)]


def _is_field(name: str, objects: set[str]) -> bool:
    return name not in objects and "[" not in name and {*_outer(name)} <= objects


def _is_open(path: str, answer: Fields) -> bool:
    """Return True if the path leads to a member of an object whose members are not documented."""
    outer = next((found for found in _outer(path) if found in answer), "")
    return outer.count(".") > path.count("value[].") and not any(name.startswith(f"{outer}.") for name in answer)


def _wire_type(field: Field) -> str:
    """Return the type of a field in requests and answers."""
    if field.literal:
        return "str"
    return TYPES.get(type(field.encode(True)) if field.type is bool else field.type, "any")


def _field_facts(
    noun: Noun, field: Field, prefix: str, documented: tuple[str, bool], facts: Facts, line: str, is_update: bool
) -> Iterator[str]:
    type_name, required = documented
    if _wire_type(field) != type_name:
        yield f"{field.wire!r} is {type_name}, not {_wire_type(field)}"
    is_repeated = field.repeated or (field.required and noun.replaces)
    if required is not (is_repeated if is_update else field.required):
        yield f"{field.wire!r} is {'' if required else 'not '}required"
    for kind, value in (
        ("pattern", field.pattern or None),
        ("choices", sorted(field.choices) or None),
        ("min_length", field.min_length or None),
    ):
        found = one_fact(facts, kind, prefix + field.wire, line)
        if found != value:
            yield f"{field.wire!r} has the {kind} {found!r}, not {value!r}"
    example = None if field.example is None else field.encode(field.example)
    yield from _example_differences(example, prefix + field.wire, typed_fields(facts["body"], line))


def _example_differences(example: Any, path: str, body: Fields) -> Iterator[str]:
    """Yield the names in an example that are not documented, and the required ones that are missing."""
    if isinstance(example, list):
        for item in example:
            yield from _example_differences(item, f"{path}[]", body)
    inner = {name[len(path) + 1 :] for name in body if re.fullmatch(rf"{re.escape(path)}\.\w+", name)}
    if isinstance(example, dict) and inner:
        required = {name for name in inner if body[f"{path}.{name}"][1]}
        yield from (f"the example has an unknown {path}.{name}" for name in sorted(example.keys() - inner))
        yield from (f"the example has no {path}.{name}" for name in sorted(required - example.keys()))
        for name in example.keys() & inner:
            yield from _example_differences(example[name], f"{path}.{name}", body)


def _value_differences(noun: Noun, verb: str, fields: list[Field], facts: Facts, line: str) -> Iterator[str]:
    """Compare the paths of the values in answers."""
    answer = answers_of(facts, line).get("200 application/json", {})
    prefix = "value[]." if verb == "list" or verb.startswith("bulk") else ""
    for field in fields:
        path = prefix + ".".join(field.at)
        if not field.at:
            continue
        if path not in answer and not _is_open(path, answer):
            yield from [f"the answer has no {path}"] * _is_documented(field, line)
        elif path in answer and _wire_type(field) != answer[path][0]:
            yield f"{path} of the answer is {answer[path][0]}, not {_wire_type(field)}"
    known = {".".join(at[:2]) for field in fields for at in (field.at, *(form.at for form in field.former))}
    for path in answer:
        if re.fullmatch(re.escape(prefix) + r"extensions\.\w+", path) and path[len(prefix) :] not in known:
            yield f"no field reads {path}"
