"""The attributes of hosts and folders that each site defines: tag groups and custom attributes."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional, Sequence

from ..catalogue.attributes import BUILT_IN, TAG, tag_problem
from ..catalogue.nouns import TagGroup
from ..errors import BadRequestError, CheckmkError, ForbiddenError, NotFoundError
from .object_format import noun_format
from .payload import items_of
from .records import Host
from .resource import Resource, parsing
from .site import Site

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


def naming_unknown_tags(site: Site, error: BadRequestError, body: Mapping[str, Any]) -> BadRequestError:
    """Return the refusal of a write, with a hint in its ``fields`` for each tag that the site does not have.

    The tag groups are read, from the cache if possible, only if the site refuses attributes that include tags.
    """
    # The site names the attribute or, in some versions, only the object of all attributes.
    tags = [tag for tag in _tags_in(body) if any(path.startswith(tag[0]) for path in error.fields)]
    if not tags:
        return error
    with contextlib.suppress(CheckmkError):  # the refusal is more important than the hints
        groups = {name: group.tags for name, group in HostAttributes(site).tag_groups().items()}
        hints = {f"{place}.{name}": tag_problem(groups, name, value) for place, name, value in tags}
        fields = {path: [*error.fields.get(path, ()), hint] for path, hint in hints.items() if hint}
        return BadRequestError(
            error.status,
            error.title,
            error.detail,
            fields={**error.fields, **fields},
            ext=error.ext,
            call=error.call,
            attempted=error.attempted,
        )
    return error


def _tags_in(body: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield the tags that a body sets: the place of the attributes, the attribute, and its value."""
    entries = {f"entries.{index}.": entry for index, entry in enumerate(body.get("entries", ()))}
    for place, entry in {"": body, **entries}.items():
        for kind in ("attributes", "update_attributes"):
            attributes = entry.get(kind) if isinstance(entry, Mapping) else None  # a bulk deletion sends names
            yield from (
                (f"{place}{kind}", name, value) for name, value in (attributes or {}).items() if name.startswith(TAG)
            )
