"""The parts of a plan: changes, and conflicts that prevent changes."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Mapping, Optional

from ..catalogue.attributes import TAG
from ..config.secrets import secret_name
from ..core.redaction import HIDDEN, mask_secrets
from ..core.secret_names import is_secret_name
from ..errors import NotOwnedError
from .kinds import CONDITIONS, FOLDERS, KINDS, OWNER, Property
from .observed import ExistingObject


class Action(enum.Enum):
    """The kinds of changes, in the order in which they are applied."""

    RENAME = "rename"
    CREATE = "create"
    MOVE = "move"
    UPDATE = "update"
    DELETE = "delete"


_ACTIONS = list(Action)
NEW_NAME: Property = ("name",)  # the property of a rename: (old name, new name)


@dataclass(frozen=True)
class Change:
    """One change to one object. ``properties`` maps each property to (now, wanted); None means "not set".

    ``existing`` is the object as it was read, or None for a creation. ``location`` is the file and line in the
    inventory. ``wave`` orders the changes of the same action and kind: a wave starts after the previous one is
    complete. ``after`` marks a second step that sets references, and names the objects that must be created before it.
    ``place`` orders the changes of a kind whose objects have an order. ``removes_parts`` marks a second step that
    belongs to the deletions, because the objects in ``after`` use the parts that it removes until they are changed or
    deleted. Comparing two changes ignores these six fields.
    """

    action: Action
    kind: str
    key: str
    properties: Mapping[Property, tuple[Any, Any]] = field(default_factory=dict, repr=False)
    existing: Optional[ExistingObject] = field(default=None, compare=False, repr=False)
    location: str = field(default="", compare=False, repr=False)
    wave: int = field(default=0, compare=False, repr=False)
    after: tuple[str, ...] = field(default=(), compare=False, repr=False)
    place: int = field(default=0, compare=False, repr=False)
    removes_parts: bool = field(default=False, compare=False, repr=False)

    @property
    def name(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def is_removal(self) -> bool:
        """True for a deletion, and for a second step that removes parts of an object."""
        return self.removes_parts or self.action is Action.DELETE

    @property
    def rank(self) -> tuple[Any, ...]:
        """The sort key: renames, first steps by kind and action, second steps, deletions in reverse order of kinds."""
        if self.action is Action.RENAME:
            return (-1, self.key)
        depth = self.key.count("/") if self.kind == FOLDERS.name else 0
        rank, level = KINDS[self.kind].order
        if self.is_removal:
            return (2, -rank, -level, self.kind, 0, self.wave, -depth, self.key)
        order = (self.wave, depth, self.place, self.key)
        return (1 if self.after else 0, rank, level, self.kind, _ACTIONS.index(self.action), *order)

    @property
    def new_values(self) -> dict[Property, Any]:
        """The wanted value of each property. None removes the property."""
        return {path: new for path, (_, new) in self.properties.items()}

    def wanted(self, section: str) -> dict[str, Any]:
        """Return the wanted values in a section such as ``attributes``, by name."""
        return {path[1]: new for path, (_, new) in self.properties.items() if path[0] == section}

    @property
    def target(self) -> tuple[str, str]:
        """The kind and the key of the object."""
        return self.kind, self.key

    @property
    def id(self) -> str:
        """The ID of the existing object in requests."""
        return self.key if self.existing is None else self.existing.id or self.key

    def value(self, path: Property) -> Any:
        """Return the wanted value of a property, or the current one if the change does not contain it."""
        now = None if self.existing is None else self.existing.properties.get(path)
        return self.properties.get(path, (None, now))[1]

    def may_free(self, attribute: str) -> bool:
        """Return True if the change may end the use of a tag group, which is the ``attribute`` of hosts and folders."""
        now = {} if self.existing is None else self.existing.properties
        conditions = (now.get(CONDITIONS) or {}).get("host_tags", ())
        in_conditions = any(f"{TAG}{tag['key']}" == attribute for tag in conditions)
        uses = [path for path in now if path == ("attributes", attribute) or (path == CONDITIONS and in_conditions)]
        return any(self.action is Action.DELETE or path in self.properties for path in uses)

    def staleness(self, now: Optional[ExistingObject]) -> Optional[NotOwnedError]:
        """Return an error if ``now`` is no longer the object that the plan was made for; None if it still is.

        It may have been deleted, deleted and created again, or given to another owner.
        """
        if now is None or now.key != self.key:
            return NotOwnedError(f"{self.name} was deleted or renamed after the plan was made")
        planned = None if self.existing is None else self.existing.owner
        if now.owner not in (planned, self.properties.get(OWNER, (None, planned))[1]):
            return NotOwnedError(
                f"{self.name} now belongs to {describe_owner(now.owner)}; its owner changed after the plan was made"
            )
        if now.copies:
            ids = ", ".join((now.id, *now.copies))
            return NotOwnedError(f"the mark of {self.name} is in several objects, which are probably clones: {ids}")
        before = now if self.existing is None else self.existing
        births = (now.birth, before.birth) if now.birth and before.birth else ()
        if len({*births}) > 1 or (before.id and before.id != now.id):
            return NotOwnedError(f"{self.name} was deleted and created again after the plan was made")
        return None

    def with_secrets(self, reveal: Callable[[str], str]) -> Change:
        """Return the change with ``reveal(NAME)`` in place of each reference ``secret:NAME``."""
        kind = KINDS[self.kind]
        names = {path for path, new in self.new_values.items() if kind.secret_names(path, new)}
        secrets = {path: (now, kind.revealed(path, new, reveal)) for path, (now, new) in self.properties.items()}
        return replace(self, properties=secrets) if names else self

    def to_dict(self) -> dict[str, Any]:
        """Return the change as plain data, sorted and without secrets."""
        changed = {
            ".".join(path): [None if self.existing is None else self.masked(path, now), self.masked(path, new)]
            for path, (now, new) in sorted(self.properties.items())
        }
        data = {"action": self.action.value, "kind": self.kind, "key": self.key, "properties": changed}
        return {**data, "after": list(self.after)} if self.after else data

    def masked(self, path: Property, value: Any) -> Any:
        """Return a value of the property, now or later, with HIDDEN in place of secrets."""
        return masked(self.kind, path, value, self.value(KINDS[self.kind].listed_by) or "")

    def checksum_data(self) -> list[Any]:
        """Return everything that the checksum of a plan covers, secrets included."""
        values = {path: [_as_text(self.kind, path, value) for value in pair] for path, pair in self.properties.items()}
        return [self.action.value, self.kind, self.key, sorted(values.items())]


@dataclass(frozen=True)
class Conflict:
    """An object that the plan must not change or delete, although the inventory demands it.

    ``why`` is the reason and ``hint`` is the advice. ``owner`` is the value of the owner label, or None.
    """

    kind: str
    key: str
    owner: Optional[str]
    why: str
    hint: str
    location: str = ""

    def __str__(self) -> str:
        location = f" ({self.location})" if self.location else ""
        return f"{self.kind} {self.key}{location} {self.why}"

    @property
    def text(self) -> str:
        """The conflict with its hint, as one message."""
        return f"{self}; {self.hint}"


def masked(kind: str, path: Property, value: Any, list_name: str = "") -> Any:
    """Return the value of a property with HIDDEN in place of secrets. A reference to a secret is not secret.

    ``list_name`` is the name of the list with the object, such as a ruleset.
    """
    if KINDS[kind].is_secret(path):
        return value if value is None or secret_name(value) is not None else HIDDEN
    field = KINDS[kind].field_at(path)
    names = [list_name] if field is not None and field.literal else path[1:]
    shown = KINDS[kind].with_references(path, mask_secrets(value, next(filter(is_secret_name, names), "")), value)
    return _as_text(kind, path, shown)


def _as_text(kind: str, path: Property, value: Any) -> Any:
    """Return a value, or the text of a Python literal, which can have keys that are not strings."""
    field = KINDS[kind].field_at(path)
    return repr(value) if field is not None and field.literal else value


def describe_owner(owner: Optional[str]) -> str:
    """Return a noun phrase for messages: ``"no owner"`` or ``"the owner 'cmdb'"``."""
    return "no owner" if owner is None else f"the owner {owner!r}"
