"""Renames roles of users."""

from __future__ import annotations

from ...catalogue.nouns import Role, User
from ..collection import Collection
from ..resource import writes


class Roles(Collection[Role]):
    """The roles of users, as ``client.roles``. The site creates a role as a clone of ``basedon``.

    A clone gets its permissions only afterwards, so :meth:`create` sends them in a second request. The answers of sites
    contain only ``yes`` and ``no``, so ``default`` cannot be compared. The site adds " (copy)" to an alias that another
    role has.
    """

    @writes
    def rename(self, key: str, new_name: str) -> Role:
        """Give a role another ID, also in the roles of users, and return the role.

        Some versions of Checkmk do not change the users. If this call fails in between, users can have a role that does
        not exist.
        """
        if self._require_key(new_name) == key:
            return self.get(key, fresh=True)
        role = self._change(
            key,
            "update",
            lambda _before: {"new_role_id": new_name},
            lambda there, *_: there.find(key, fresh=True) is None,
            name_after=lambda _before: new_name,
        )
        users = Collection(self._site, User)
        for user in [found for found in users.each() if key in (found.roles or ())]:
            users.update(user.name, roles=[new_name if name == key else name for name in user.roles or ()])
        return role
