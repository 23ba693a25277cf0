"""Renames roles of users, and resets their permissions."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ...catalogue.nouns import Role
from ..collection import Collection
from ..resource import writes

__all__ = ["Roles"]


class Roles(Collection[Role]):
    """The roles of users, as ``client.roles``. The site creates a role as a clone of ``basedon``.

    Permissions cannot be set while cloning, so that :meth:`create` sends them with a second request. A permission with
    the state ``default`` is always sent, because sites do not tell it apart from ``yes`` or ``no``. If a role has the
    alias, the site adds " (copy)" to that of the new role.
    """

    @writes
    def rename(self, key: str, new_key: str) -> Role:
        """Give a role another id, and return the role. The site changes the users who have it."""
        self._require_key(new_key)
        return self._change(
            key,
            "update",
            lambda _before: {"new_role_id": new_key} if new_key != key else {},
            lambda there, *_: there.find(key, fresh=True) is None,
            name_after=lambda _before: new_key,
        )

    def _differing(self, before: Role, values: Mapping[str, Any], /) -> Sequence[str]:
        names = super()._differing(before, values)
        resets = "default" in values.get("permissions", {}).values()
        return [*names, "permissions"] if resets and "permissions" not in names else names
