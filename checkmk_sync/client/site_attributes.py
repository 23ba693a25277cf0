"""The attributes of hosts and folders that each site defines: tag groups and custom attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence

from ..catalogue.attributes import BUILT_IN, TAG
from ..catalogue.nouns import TagGroup
from ..errors import ForbiddenError, NotFoundError
from .object_format import noun_format
from .payload import items_of
from .records import Host
from .resource import Resource, parsing

# Checkmk: the effective attributes also contain these.
_OTHERS = frozenset({"labels", "meta_data", "network_scan_result"})


@dataclass(frozen=True)
class SiteAttributes:
    """The attributes of hosts and folders that the site defines, besides Checkmk's own.

    Each of the ``groups``, which are given by their ID, is an attribute: the group ``environment`` is the attribute
    ``tag_environment``. ``custom`` contains the names of the custom attributes. Both are None if the site did not
    return them, and ``gaps`` contains the reasons.
    """

    groups: Optional[Mapping[str, TagGroup]] = None
    custom: Optional[frozenset[str]] = None
    gaps: tuple[str, ...] = ()

    @property
    def tags(self) -> Optional[dict[str, Sequence[Mapping[str, Any]]]]:
        """The tags of each group, or None if they are unknown."""
        return None if self.groups is None else {name: group.tags for name, group in self.groups.items()}


class HostAttributes(Resource):
    """The attributes that each site defines, as ``client.host_attributes``."""

    noun = "hosts"

    def read(self, host: Optional[str] = None, *, fresh: bool = False) -> SiteAttributes:
        """Return the tag groups of the site and, if the name of a ``host`` is given, its custom attributes.

        >>> cmk.host_attributes.read("web01").custom

        Any host will do. No version of the API up to 2.5 lists the custom attributes, but the effective attributes of
        each host contain all of them.

        Both answers come from the cache, unless ``fresh`` is True. A write of a tag group removes them from the cache.
        If the user lacks the permission to see tag groups, or cannot see the host, ``gaps`` says so.
        """
        groups, custom, gaps = None, None, []
        try:
            groups = self.tag_groups(fresh=fresh)
        except ForbiddenError as error:
            gaps.append(f"the tag groups are unknown, because the site refuses to list them ({error.title})")
        try:
            custom = None if host is None else self._custom(host, fresh)
        except (ForbiddenError, NotFoundError):
            gaps.append(f"the custom attributes are unknown, because the user cannot see the host {host!r}")
        return SiteAttributes(groups, custom, tuple(gaps))

    def tag_groups(self, *, fresh: bool = False) -> dict[str, TagGroup]:
        """Return the tag groups by their ID, from the cache if possible. Raises ForbiddenError without permission."""
        # Not TagGroups.each(), because the cache does not keep streamed answers.
        reply = self._site.perform("tag_groups", "list", fresh=fresh)
        known = noun_format("tag_groups", self._site.version(), self._site.edition())
        with parsing(reply):
            found = [known.parse(TagGroup, item) for item in items_of(reply.data)]
        return {group.name: group for group in found}

    def _custom(self, host: str, fresh: bool) -> frozenset[str]:
        query = {"effective_attributes": True}
        found = self._record(Host.parse, "get", path={"name": host}, query=query, fresh=fresh)
        # Checkmk adds the default of each attribute (Folder.effective_attributes in cmk/gui/watolib).
        names = (found.effective_attributes or {}).keys() - BUILT_IN - _OTHERS
        return frozenset(name for name in names if not name.startswith(TAG))
