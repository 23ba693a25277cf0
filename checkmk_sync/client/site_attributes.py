"""The attributes of hosts and folders that each site defines: tag groups and custom attributes."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional, Sequence

from ..catalogue.attributes import TAG, tag_problem
from ..catalogue.nouns import TagGroup
from ..errors import BadRequestError, CheckmkError
from .object_format import noun_format
from .payload import items_of
from .resource import parsing
from .site import Site


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

    @functools.cached_property  # a plan needs it for each host
    def tags(self) -> Optional[dict[str, Sequence[Mapping[str, Any]]]]:
        """The tags of each group, or None if they are unknown."""
        return None if self.groups is None else {name: group.tags for name, group in self.groups.items()}


def read_tag_groups(site: Site, *, fresh: bool = False) -> dict[str, TagGroup]:
    """Return the tag groups by their ID, from the cache if possible. Raises ForbiddenError without the permission."""
    # Not TagGroups.each(), because the cache does not keep streamed answers.
    reply = site.perform("tag_groups", "list", fresh=fresh)
    known = noun_format("tag_groups", site.version(), site.edition())
    with parsing(reply):
        found = [known.parse(TagGroup, item) for item in items_of(reply.data)]
    return {group.name: group for group in found}


def naming_unknown_tags(site: Site, error: BadRequestError, body: Mapping[str, Any]) -> BadRequestError:
    """Return the refusal of a write, with a hint in its ``fields`` for each tag that the site does not have.

    The tag groups are read, from the cache if possible, only if the site refuses attributes that include tags.
    """
    # The site names the attribute or, in some versions, only the object of all attributes.
    tags = [tag for tag in _tags_in(body) if any(path.startswith(tag[0]) for path in error.fields)]
    if not tags:
        return error
    with contextlib.suppress(CheckmkError):  # the refusal is more important than the hints
        groups = {name: group.tags for name, group in read_tag_groups(site).items()}
        hints = {f"{place}.{name}": tag_problem(groups, name, value) for place, name, value in tags}
        fields = {path: [*error.fields.get(path, ()), f"({hint})"] for path, hint in hints.items() if hint}
        return error.with_texts(fields={**error.fields, **fields})
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
