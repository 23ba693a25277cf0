"""Changes and deletes host tag groups that are in use."""

from __future__ import annotations

from typing import Any, Optional

from ...catalogue.nouns import TagGroup
from ..collection import Collection
from ..resource import writes


class TagGroups(Collection[TagGroup]):
    """The host tag groups, as ``client.tag_groups``. The built-in groups, such as ``agent``, cannot be changed.

    The site refuses to remove a tag or a group that hosts, folders or rules use. If a deletion is refused, the error
    names these objects in ``error.detail``. Give ``repair`` or ``mode`` to remove the tags from them.
    """

    @writes
    def update(self, key: str, *, etag: Optional[str] = None, repair: bool = False, **values: Any) -> TagGroup:
        """Set some fields of a group, as :meth:`Collection.update`.

        >>> cmk.tag_groups.update("environment", tags=[{"id": "live", "title": "Live"}])

        A tag is renamed if its title stays and its ID changes. Raises ForbiddenError if a tag in use would disappear or
        be renamed. With ``repair``, the site replaces or removes it in all hosts, folders and rules.
        """
        return self._update(key, values, etag, {"repair": True} if repair else {})

    @writes
    def delete(self, name: str, *, missing_ok: bool = False, repair: bool = False, mode: Optional[str] = None) -> None:
        """Delete a group. Raises NotFoundError if it does not exist, unless ``missing_ok`` is True.

        Raises ForbiddenError if hosts, folders or rules use the group. With ``repair``, the site removes its tags from
        hosts and folders, and deletes the rules that need one of its tags. From 2.4 on, ``mode`` can be ``delete``
        (the same), ``remove`` (such rules stay, without the condition) or ``abort`` (refuse, as by default).
        """
        self._delete(name, missing_ok, query={"repair": repair or None, "mode": mode})
