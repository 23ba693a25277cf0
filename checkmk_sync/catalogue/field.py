"""The fields of plain nouns: names, types, rules and versions."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional

from ..core.arguments import describe_type, require_json
from .literals import masked_member
from .operation import ANY_FIELD
from .versions import CheckmkVersion

# The errors that ``canonical`` raises for a value with members of the wrong types.
MALFORMED = (AttributeError, LookupError, TypeError, ValueError)
_EMPTY: tuple[Any, ...] = (None, "", [], {}, ())


def _unchanged(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Former:
    """The form of a field before version ``until``: its names in requests and answers, and whether it is required.

    ``encode`` converts values for requests; None means that the field's own function does.
    """

    until: str
    wire: str
    at: tuple[str, ...]
    required: bool = False
    encode: Optional[Callable[[Any], Any]] = None


@dataclass(frozen=True)
class Field:
    """A field of a kind of object.

    * ``name`` is used in records, inventories and commands, and ``wire`` in requests. Dots in ``wire`` lead to
      members of objects, as in ``properties.comment``. The value of a field with the wire name :data:`ANY_FIELD` is a
      mapping, whose entries are members of requests and answers that no other field has.
    * ``at`` is the path of the value in answers. It is empty if the site never returns the value.
    * ``type`` is str, int, bool, list, dict or Any.
    * ``pattern`` is exactly the server's expression, because the server's messages quote it.
    * ``since`` is the first version with the field, and ``until`` the first version without it. ``editions`` are the
      short names of the editions that have it; None means all. ``former`` are its forms in older versions.
    * A ``secret`` is never shown or compared. Sites return fields that ``holds_secrets`` in the clear, and a part of
      their value can be a secret.
    * The site chooses the value of an ``assigned`` field.
    * A request for a list must give the fields with ``filters``.
    * An update cannot change a ``fixed`` field, and must send the fields with ``repeated``.
    * A ``literal`` is sent as the text of a Python literal, so None is a value, too.
    * Only some objects have a ``partial`` field.
    * ``created_as`` is the name in requests that create an object, if it differs from ``wire``. None means that only an
      update can set the field.
    * Two values mean the same if their ``canonical`` forms are equal. ``matches(found, wanted)`` replaces this
      comparison if only a part of the value is given. A missing value means the same as ``unset``.
    * ``shows(found, wanted)`` returns False if the answer does not tell whether the object has the wanted value. Such a
      value counts as the same, except for the part that ``matches`` can compare.
    * An update of a field ``only_with`` another field has no effect without that field.
    * ``problem_in(value, record)`` returns why the site would drop the value in a list, such as a ruleset; else None.
    * A new object gets the ``initial`` value if none is given.
    * ``encode`` converts a value for requests, and ``decode`` a value from answers.
    * ``refers_to`` is the noun whose objects the value names.
    * ``interim(found, wanted)`` is the wanted value together with the parts of the found one that it lacks. It is set
      first if other objects may still use these parts.
    """

    name: str
    description: str
    type: Any
    required: bool
    wire: str
    at: tuple[str, ...]
    example: Any = None
    pattern: str = ""
    choices: tuple[str, ...] = ()
    min_length: int = 0
    secret: bool = False
    since: Optional[str] = None
    until: Optional[str] = None
    editions: Optional[frozenset[str]] = None
    former: tuple[Former, ...] = ()
    assigned: bool = False
    filters: bool = False
    fixed: bool = False
    literal: bool = False
    repeated: bool = False
    partial: bool = False
    created_as: Optional[str] = ""
    canonical: Callable[[Any], Any] = _unchanged
    encode: Callable[[Any], Any] = _unchanged
    decode: Callable[[Any], Any] = _unchanged
    refers_to: str = ""
    matches: Optional[Callable[[Any, Any], bool]] = None
    shows: Optional[Callable[[Any, Any], bool]] = None
    only_with: str = ""
    problem_in: Optional[Callable[[Any, Any], Optional[str]]] = None
    initial: Any = None
    holds_secrets: bool = False
    unset: Any = None
    interim: Optional[Callable[[Any, Any], Any]] = None

    def serves(self, version: CheckmkVersion, edition: str) -> bool:
        """Return True if a site of this version and edition has the field."""
        return version.is_between(self.since, self.until) and (self.editions is None or edition in self.editions)

    @property
    def creation_wire(self) -> Optional[str]:
        """The name in requests that create an object, or None if they cannot set the field."""
        return self.wire if self.created_as == "" else self.created_as

    @property
    def removal(self) -> Any:
        """The value that removes the field of an object, or None if an update cannot remove it."""
        empty = {str: "", list: [], bool: False}.get(self.type)
        value = next((found for found in (self.unset, self.initial, empty) if found is not None), None)
        try:
            self.check(value)
        except ValueError:
            return None
        return None if self.required else value

    def in_version(self, version: CheckmkVersion) -> Field:
        """Return the field with the names that it has in ``version``."""
        for form in self.former:
            if not version.at_least(form.until):
                encode = form.encode or self.encode
                return dataclasses.replace(self, wire=form.wire, at=form.at, required=form.required, encode=encode)
        return self

    def check(self, value: Any) -> None:
        """Raise ValueError if the server would refuse ``value``. The message never contains a secret."""
        kinds: Any = {list: (list, tuple), dict: Mapping}.get(self.type, self.type)
        if self.type is not Any and (not isinstance(value, kinds) or isinstance(value, bool) is not (kinds is bool)):
            names = {str: "a string", int: "a number", bool: "true or false", list: "a list", dict: "a mapping"}
            raise ValueError(f"{self.name} must be {names[self.type]}, not {describe_type(value)}")
        if self.secret:
            from .attributes import MASK, contains_mask  # not at the top, because it would delay --help

            if contains_mask(self.name, value):
                raise ValueError(MASK)
        shown = repr(value) if isinstance(value, str) and not self.secret else "the value"
        if isinstance(value, (str, list, tuple)) and len(value) < self.min_length:
            raise ValueError(f"{self.name} must not be empty")
        if self.pattern and not re.match(self.pattern, value):
            raise ValueError(f"{self.name} must match {self.pattern!r}, but {shown} does not")
        if self.choices and value not in self.choices:
            raise ValueError(f"{self.name} must be one of {', '.join(self.choices)}, not {shown}")
        if self.literal or not isinstance(value, (str, int)):
            self._check_members(value)

    def _check_members(self, value: Any) -> None:
        try:
            encoded = self.encode(value)
        except (*MALFORMED, RecursionError) as error:
            raise ValueError(f"{self.name} is not valid: {error}") from None
        masked = masked_member(value, self.name) if self.holds_secrets else None
        if masked is not None:
            raise ValueError(f"{masked} is masked; give the secret itself, or secret:NAME in inventories and commands")
        require_json(encoded, self.name)
        try:
            self.canonical(value)  # a value that cannot be compared would raise this error after other writes
        except MALFORMED as error:
            why = f"; {error}" if type(error) is ValueError else ""  # the text of other errors says little
            form = f"must have the form of {self.example!r}{why}" if self.example else f"is not valid: {error}"
            raise ValueError(f"{self.name} {form}") from None

    def secret_member(self, value: Any) -> Optional[str]:
        """Return the name that tells whether a value is a secret; None if no part of the field can be one."""
        # The value of a rule can be a secret itself, such as an SNMP community.
        name = "secret" if self.literal and isinstance(value, str) else self.name
        return name if self.secret or self.holds_secrets else None

    @property
    def is_rest(self) -> bool:
        """True if the value contains all members of an object that no other field has."""
        return self.wire == ANY_FIELD

    def is_shown(self, found: Any, wanted: Any) -> bool:
        """Return True if the value in an answer tells whether the object has the wanted value."""
        return bool(self.at) and (self.shows is None or self.shows(found, wanted))

    def same(self, one: Any, other: Any) -> bool:
        """Return True if a value of the site means the same to the server as a wanted one.

        A missing value means the same as an empty one, and a value that cannot be compared counts as the same. Raises
        one of the errors :data:`MALFORMED` if a value does not have the form that the server accepts.
        """
        if self.matches is None and not self.is_shown(one, other):
            return True
        one, other = (self.unset if value is None else value for value in (one, other))
        if (one is None or other is None) and not self.literal:
            return (one in _EMPTY and other in _EMPTY) or (self.type is bool and not one and not other)
        if self.matches is not None:
            return self.matches(self.canonical(one), self.canonical(other))
        return bool(self.canonical(one) == self.canonical(other))
