"""Names the users of a host tag group before a change, and if the site refuses the change because of them."""

from __future__ import annotations

import contextlib
from typing import Any, Optional

from ...catalogue.nouns import TagGroup
from ...core.call import Reply
from ...errors import CheckmkError, ForbiddenError
from ..collection import Collection
from ..editable import Values
from .host_attributes import AttributeUsers, HostAttributes


class TagGroups(Collection[TagGroup]):
    """The host tag groups, as ``client.tag_groups``. The built-in groups, such as ``agent``, cannot be changed.

    >>> cmk.tag_groups.update("environment", tags=[{"id": "live", "title": "Live"}], repair=True)
    >>> cmk.tag_groups.delete("environment", mode="remove")

    The site refuses to remove or rename a tag that hosts, folders or rules use, and to delete a group in use. It raises
    ForbiddenError, which names them. With ``repair=True``, the site also changes them. A tag is renamed if its title
    stays and its ID changes. An update with ``repair`` gives hosts, folders and rules the new tag, or removes the tag
    from them. A deletion with ``repair`` removes the tags from hosts and folders, and deletes the rules that need one.
    From 2.4 on, ``mode="delete"`` does the same, and ``mode="remove"`` keeps such rules without the condition.
    """

    def affected(self, key: str, values: Optional[Values] = None, /, **options: Any) -> list[str]:
        """Describe the hosts, folders and rules that an update with ``values``, or a deletion, affects."""
        deletes_rules = values is None and options.get("mode") != "remove"
        return self._users(key, values).effects(deletes_rules=deletes_rules)

    def _perform(self, verb: str, **arguments: Any) -> Reply:
        try:
            return super()._perform(verb, **arguments)
        except ForbiddenError as error:
            # Checkmk refuses because of users with the status of a missing permission, but with another title.
            if "requires additional authorization" not in error.title:
                raise
            refusal = error
        with contextlib.suppress(CheckmkError):  # this user may lack the permission to see rules
            users = self._users(arguments["path"]["key"], arguments.get("body"))
            refusal = refusal.with_attempted(f"{refusal}; used by {users}")
        raise refusal

    def _users(self, key: str, values: Optional[Values]) -> AttributeUsers:
        """Return the users of the tags that an update with ``values`` renames or removes, or those of the group."""
        if values is None:
            lost = None
        else:
            left = [tag.get("id", tag.get("ident")) for tag in values.get("tags") or ()]
            tags = self.get(key, fresh=True).tags if left else ()
            lost = [tag["id"] for tag in tags if tag["id"] not in (None, *left)]
        attribute = f"tag_{key}"
        return AttributeUsers(attribute) if lost == [] else HostAttributes(self._site).used_by(attribute, lost)
