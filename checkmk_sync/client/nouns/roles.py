"""Renames roles of users, and returns permissions to their defaults."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ...catalogue.nouns import Role
from ..collection import Collection
from ..resource import writes


class Roles(Collection[Role]):
    """The roles of users, as ``client.roles``. The site creates a role as a clone of ``basedon``.

    A clone gets its permissions only afterwards, so :meth:`create` sends them in a second request. A permission with
    the state ``default`` is always sent, because the answers of sites contain only ``yes`` and ``no``. The site adds
    " (copy)" to an alias that another role has.
    """

    @writes
    def rename(self, key: str, new_key: str) -> Role:
        """Give a role another ID, and return the role. The site changes the roles of users, too."""
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
        return [*names, "permissions"] if _resets(values) and "permissions" not in names else names

    def _has_values(self, found: Role, values: Mapping[str, Any]) -> bool:
        # A default cannot be compared, so an update that sends one cannot be proven.
        return not _resets(values) and super()._has_values(found, values)


def _resets(values: Mapping[str, Any]) -> bool:
    return "default" in values.get("permissions", {}).values()
