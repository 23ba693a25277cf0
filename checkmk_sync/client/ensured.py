"""The result of ``ensure``, which creates or changes an object only if that is necessary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Optional, TypeVar

from ..catalogue.noun import Record

__all__ = ["Ensured"]

R = TypeVar("R", bound=Record)

HIDDEN = "***"


@dataclass(frozen=True)
class Ensured(Generic[R]):
    """The result of :meth:`Collection.ensure`.

    ``before`` is the object as it was, or None if it did not exist. ``after`` is the object as it is now, or as it
    would be after a call with ``check=True``. ``actions`` is ``("create",)``, ``("update",)``, or empty if the object
    already was as requested.
    """

    before: Optional[R]
    after: R
    actions: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """True if the object was, or would be, created or changed."""
        return bool(self.actions)

    def diff(self) -> dict[str, tuple[Any, Any]]:
        """Return the old and the new value of each field that differs. Secrets are shown as ``***``."""
        old = self.before.values() if self.before is not None else {}
        new = self.after.values()
        return {
            field.name: (HIDDEN, HIDDEN) if field.secret else (old.get(field.name), new.get(field.name))
            for field in self.after.noun.fields
            if not field.same(old.get(field.name), new.get(field.name))
        }
