"""The result of ``ensure``, which creates or changes an object only if that is necessary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, Mapping, Optional, TypeVar

from ..catalogue.noun import Record
from ..core.redaction import mask_secrets, telling_name

T = TypeVar("T")


@dataclass(frozen=True)
class Ensured(Generic[T]):
    """The result of ``ensure``.

    ``before`` is the object as it was, or None if it did not exist. ``after`` is the object as it is now, or as it
    would be after a call without ``check=True``. ``actions`` contains "create", "move" and "update", as far as they
    were necessary. ``not_compared`` contains the names of values that were given but not sent, because the site does
    not show whether the object has them, such as secrets.
    """

    before: Optional[T]
    after: T
    actions: tuple[str, ...] = ()
    differences: Mapping[str, tuple[Any, Any]] = field(default_factory=dict, repr=False)  # may contain secrets
    not_compared: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """True if the object was, or would be, created or changed."""
        return bool(self.actions)

    def diff(self) -> dict[str, tuple[Any, Any]]:
        """Return the old and the new value of each value that was set, by name. Secrets are shown as ``***``."""
        members = self.after.values() if isinstance(self.after, Record) else {}
        pairs = {name: (telling_name(members, name), pair) for name, pair in self.differences.items()}
        return {name: (mask_secrets(old, told), mask_secrets(new, told)) for name, (told, (old, new)) in pairs.items()}
