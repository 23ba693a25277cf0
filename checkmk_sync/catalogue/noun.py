"""Nouns as data: a record class describes the objects of one kind, their fields and their operations.

The client, the commands, inventories and the simulated site are loops over these rows.
"""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Iterator, Mapping, Optional, Sequence, TypeVar

from ..core.call import CallKind, ExpectedReply
from ..core.secret_names import is_secret_name
from .field import Field
from .operation import Operation
from .versions import CheckmkVersion
from .written_operations import WRITTEN_OPERATIONS

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:
        return lambda decorator: decorator


R = TypeVar("R", bound="Record")

CRUD = ("list", "get", "create", "update", "delete")
BULK = ("bulk_create", "bulk_update", "bulk_delete")
ALWAYS = ""  # in place of the first version of a feature that all versions have
MANAGED = frozenset({"cme", "ultimatemt"})  # the editions for several customers


@dataclass(frozen=True)
class Option:
    """An argument of updates or deletions that is not a field of the object.

    An update sends it in its body, and a deletion as a query parameter. ``since`` maps each verb that has the option to
    the first version with it, or to "" if all versions have it. ``type`` is bool or str. An option without a
    ``description`` is only for the code of its noun.
    """

    name: str
    since: Mapping[str, str]
    description: str = ""
    type: Any = bool
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Noun:
    """A kind of object.

    ``name``, such as ``host_groups``, is the attribute of the client, the command group and the section of inventories.
    ``singular`` and ``plural`` are used in texts. ``domain`` is Checkmk's domain type. The first field is the key. A
    sync creates objects in the order of ``rank``, and deletes them in the reverse order. ``mark`` is the field that can
    carry an owner's mark. Nouns of the ``tier`` "everyday" have MCP tools of their own. Updates that ``replace`` the
    object empty all fields that they do not send. Objects without ETags cannot be protected from lost updates, even if
    the operations accept an ETag. ``list_query`` are further query parameters of lists, each with its type and a
    description. ``object_type`` is the domain type in answers. ``options`` are arguments of updates and deletions.

    ``verbs`` are the standard operations. ``if_match`` maps each verb that needs an ETag to the first version that
    needs it, or to "" if all versions do. ``delete`` is the method that deletes an object, and the end of its path.
    ``touches`` lists other nouns whose objects a write can change. ``update_since`` and ``delete_since`` are the first
    versions with these operations.
    """

    name: str
    singular: str
    domain: str
    record: type[Record]
    fields: tuple[Field, ...]
    verbs: tuple[str, ...]
    plural: str
    object_type: str
    rank: int
    mark: Optional[str] = None
    tier: str = "configuration"
    replaces: bool = False
    has_etags: bool = True
    list_query: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    options: tuple[Option, ...] = ()
    if_match: Mapping[str, str] = field(default_factory=lambda: {"update": ALWAYS})
    delete: tuple[str, str] = ("DELETE", "")
    touches: tuple[str, ...] = ()
    update_since: Optional[str] = None
    delete_since: Optional[str] = None
    operations: tuple[Operation, ...] = ()
    by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {field.name: field for field in self.fields})

    @property
    def key(self) -> Field:
        """The field that names the object."""
        return self.fields[0]

    @property
    def holds_secrets(self) -> bool:
        """True if sites return secrets of the objects in the clear."""
        return any(field.holds_secrets for field in self.fields)

    def options_of(self, verb: str) -> tuple[Option, ...]:
        """Return the options of an operation that callers can give."""
        return tuple(option for option in self.options if verb in option.since and option.description)

    def given(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values without None, which means "not given" unless it is a literal."""
        fields = self.by_name
        # A name that does not exist is kept, because it is refused later.
        return {
            name: value
            for name, value in values.items()
            if value is not None or name not in fields or fields[name].literal
        }

    def supports(self, verb: str) -> bool:
        """Return True if a version of Checkmk has the operation."""
        return any(row.verb == verb for row in self.operations)


NOUNS: dict[str, Noun] = {}


class Record:
    """The base class of the records of plain nouns. ``etag`` is None in lists, and does not count for equality."""

    # The members of an object that contain the values of fields.
    PARTS: ClassVar[tuple[str, ...]] = ("id", "title", "extensions")
    noun: ClassVar[Noun]
    etag: Optional[str] = None

    @property
    def key_value(self) -> str:
        """The key of the object."""
        value: str = getattr(self, self.noun.key.name)
        return value

    def values(self) -> dict[str, Any]:
        """Return the fields that are set, by name, without the key."""
        return self.noun.given(
            {field.name: getattr(self, field.name) for field in self.noun.fields if field is not self.noun.key}
        )


def key(description: str, *, default: Any = dataclasses.MISSING, **facts: Any) -> Any:
    """Declare the field that names the object."""
    return dataclasses.field(
        default=default, metadata={"description": description, "at": ("id",), "key": True, **facts}
    )


def attr(description: str, *, default: Any = dataclasses.MISSING, **facts: Any) -> Any:
    """Declare a field other than the key.

    Without a default, or with ``required=True``, it is required to create an object. Secrets are left out of repr().
    """
    is_shown = not (facts.get("secret") or facts.get("holds_secrets"))
    return dataclasses.field(default=default, repr=is_shown, metadata={"description": description, **facts})


@dataclass_transform(frozen_default=True, field_specifiers=(key, attr))
def noun(name: str, singular: str, domain: str, *verbs: tuple[str, ...], **facts: Any) -> Callable[[type[R]], type[R]]:
    """Decorate a class whose body declares fields: make it a frozen dataclass, and enter its row in :data:`NOUNS`.

    ``verbs`` are groups of standard operations: :data:`CRUD`, :data:`BULK`. ``facts`` are the other fields of
    :class:`Noun`. By default, the plural is the singular with an "s", and the type in answers is the domain type.
    """

    def decorate(cls: type[R]) -> type[R]:
        record: Any = dataclasses.dataclass(frozen=True)(cls)
        hints = typing.get_type_hints(cls)
        entries = sorted(dataclasses.fields(record), key=lambda entry: "key" not in entry.metadata)
        _check_fields(name, entries)
        fields = tuple(_to_field(entry, hints[entry.name]) for entry in entries)
        defaults = {"plural": f"{singular}s", "object_type": domain}
        row = Noun(name, singular, domain, cls, fields, sum(verbs, ()), **{**defaults, **facts})
        further = (operation for operation in WRITTEN_OPERATIONS if operation.noun == name)
        cls.noun = NOUNS[name] = dataclasses.replace(row, operations=(*_standard_operations(row), *further))
        return cls

    return decorate


# The attributes of records, and the arguments of client methods that also take fields as keyword arguments.
_RESERVED = ("check", "etag", "key", "key_value", "noun", "self", "update_secrets", "values", "wanted")


def _check_fields(noun: str, entries: list[dataclasses.Field[Any]]) -> None:
    if sum("key" in entry.metadata for entry in entries) != 1:
        raise ValueError(f"{noun!r} must have exactly one key")
    for entry in entries:
        if entry.name in _RESERVED:
            raise ValueError(f"a field of {noun!r} must not be called {entry.name!r}")


def _to_field(entry: dataclasses.Field[Any], hint: Any) -> Field:
    facts = {name: value for name, value in entry.metadata.items() if name != "key"}
    parts = typing.get_args(hint)
    types = [part for part in parts if part is not type(None)] if type(None) in parts else [hint]
    kind = types[0] if len(types) == 1 else Any
    required = facts.pop("required", entry.default is dataclasses.MISSING)
    wire = facts.pop("wire", entry.name)
    at = facts.pop("at", ("extensions", *wire.split(".")))
    field = Field(entry.name, facts.pop("description"), getattr(kind, "__origin__", kind), required, wire, at, **facts)
    for name in (field.name, field.wire, *(form.wire for form in field.former)) if field.secret else ():
        # Errors, logs and differences recognize secrets by their names.
        if not is_secret_name(name):
            raise ValueError(f"the secret field {name!r} must have a name such as '{name}_secret'")
    return field


_ALL = "/domain-types/{domain}/collections/all"
_ONE = "/objects/{domain}/{{key}}"
_ACTIONS = "/domain-types/{domain}/actions"

# Method, path and kind of each operation. The exceptions of single nouns are facts of their rows.
_SHAPES: Mapping[str, tuple[str, str, CallKind]] = {
    "list": ("GET", _ALL, CallKind.CONFIG),
    "get": ("GET", _ONE, CallKind.CONFIG),
    "create": ("POST", _ALL, CallKind.WRITE),
    "update": ("PUT", _ONE, CallKind.WRITE),
    "delete": ("DELETE", _ONE, CallKind.WRITE),
    "bulk_create": ("POST", f"{_ACTIONS}/bulk-create/invoke", CallKind.BULK),
    "bulk_update": ("PUT", f"{_ACTIONS}/bulk-update/invoke", CallKind.BULK),
    "bulk_delete": ("POST", f"{_ACTIONS}/bulk-delete/invoke", CallKind.BULK),
}


def _standard_operations(noun: Noun) -> Iterator[Operation]:
    """Yield the rows of the standard operations of a noun."""
    known_since = {"update": noun.update_since, "delete": noun.delete_since}
    for verb in noun.verbs:
        method, path, kind = _SHAPES[verb]
        if verb == "delete":
            method, path = noun.delete[0], path + noun.delete[1]
        is_read = kind is CallKind.CONFIG
        known = {option.name: option.since[verb] for option in noun.options if verb in option.since}
        for first, last, sends_etag, more in _versions(noun.if_match.get(verb), known):
            yield Operation(
                noun.name,
                verb,
                method,
                path.format(domain=noun.domain),
                kind,
                query=_query(verb, noun, more),
                body=_body(verb, noun.fields) + (more if verb == "update" else ()),
                options=more,
                if_match=sends_etag,
                touches=() if is_read else noun.touches,
                expected=() if is_read else _expected(verb, noun.object_type),
                since=known_since.get(verb) or first,
                until=last,
            )


def _versions(
    etag_since: Optional[str], options: Mapping[str, str]
) -> Iterator[tuple[Optional[str], Optional[str], bool, tuple[str, ...]]]:
    """Yield ``since``, ``until``, ``if_match`` and ``options`` for each row of a verb."""
    changes = sorted(filter(None, {etag_since, *options.values()}), key=lambda text: CheckmkVersion.parse(text).key)
    for first, last in zip((None, *changes), (*changes, None)):
        known = {"", *changes[: changes.index(first) + 1 if first else 0]}
        yield first, last, etag_since in known, tuple(name for name, since in options.items() if since in known)


def _query(verb: str, noun: Noun, options: tuple[str, ...]) -> tuple[str, ...]:
    if verb == "list":
        return (*(f"{field.wire}_name" for field in noun.fields if field.filters), *noun.list_query)
    return options if verb == "delete" else ()


def _body(verb: str, fields: Sequence[Field]) -> tuple[str, ...]:
    if verb not in ("create", "update"):
        return ("entries",) if verb.startswith("bulk") else ()
    is_update = verb == "update"
    wires = [
        (field.wire if is_update else field.creation_wire, *(form.wire for form in field.former))
        for index, field in enumerate(fields)
        if not field.assigned and not (is_update and (index == 0 or field.fixed))
    ]
    # A dot leads to a member of an object.
    return tuple(dict.fromkeys(wire.partition(".")[0] for names in wires for wire in names if wire is not None))


def _expected(verb: str, domain: str) -> tuple[ExpectedReply, ...]:
    if verb in ("delete", "bulk_delete"):
        return (ExpectedReply(204),)
    return (ExpectedReply(200, domain, ("value", "id") if verb.startswith("bulk") else ("id",)),)
