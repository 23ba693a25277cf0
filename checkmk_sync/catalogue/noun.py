"""Nouns as data: a record class describes the objects of one kind, their fields and their operations.

The client, the commands, inventories and the simulated site are loops over these rows.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Mapping, Optional, TypeVar, get_args, get_type_hints

from ..core.secret_names import is_secret_name
from .field import Field
from .standard_operations import Option, standard_operations

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform

    from .operation import Operation
else:

    def dataclass_transform(**_: Any) -> Any:
        return lambda decorator: decorator


R = TypeVar("R", bound="Record")

CRUD = ("list", "get", "create", "update", "delete")
BULK = ("bulk_create", "bulk_update", "bulk_delete")
ALWAYS = ""  # in place of the first version of a feature that all versions have
MANAGED = frozenset({"cme", "ultimatemt"})  # the editions for several customers


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
    """

    name: str
    singular: str
    plural: str
    domain: str
    record: type[Record]
    fields: tuple[Field, ...]
    operations: tuple[Operation, ...]
    rank: int
    mark: Optional[str] = None
    tier: str = "configuration"
    replaces: bool = False
    has_etags: bool = True
    list_query: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    object_type: str = ""
    options: tuple[Option, ...] = ()
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
def noun(
    name: str,
    singular: str,
    domain: str,
    *verbs: tuple[str, ...],
    rank: int,
    plural: str = "",
    mark: Optional[str] = None,
    tier: str = "configuration",
    replaces: bool = False,
    has_etags: bool = True,
    further: tuple[Operation, ...] = (),
    list_query: Mapping[str, tuple[Any, str]] = MappingProxyType({}),
    object_type: str = "",
    options: tuple[Option, ...] = (),
    **exceptions: Any,
) -> Callable[[type[R]], type[R]]:
    """Decorate a class whose body declares fields: make it a frozen dataclass, and enter its row in :data:`NOUNS`.

    ``verbs`` are groups of standard operations: :data:`CRUD`, :data:`BULK`. ``further`` are rows of other operations.
    ``exceptions`` are further arguments of :func:`standard_operations`.
    """

    def decorate(cls: type[R]) -> type[R]:
        record: Any = dataclasses.dataclass(frozen=True)(cls)
        hints = get_type_hints(cls)
        entries = sorted(dataclasses.fields(record), key=lambda entry: "key" not in entry.metadata)
        _check_fields(name, entries)
        fields = tuple(_to_field(entry, hints[entry.name]) for entry in entries)
        operations = standard_operations(
            name,
            domain,
            [verb for group in verbs for verb in group],
            fields,
            list_query=tuple(list_query),
            object_type=object_type,
            options=options,
            **exceptions,
        )
        cls.noun = Noun(
            name,
            singular,
            plural or f"{singular}s",
            domain,
            cls,
            fields,
            (*operations, *further),
            rank,
            mark,
            tier,
            replaces,
            has_etags,
            list_query,
            object_type or domain,
            options,
        )
        NOUNS[name] = cls.noun
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
    types = [part for part in get_args(hint) if part is not type(None)] if type(None) in get_args(hint) else [hint]
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
