"""The attributes in an inventory that the site defines: its tag groups, and its custom attributes."""

from __future__ import annotations

import dataclasses
from typing import Iterator

from ..catalogue.attributes import BUILT_IN, SAMPLE_TAGS, TAG
from ..catalogue.nouns import NOUNS, TagGroup
from ..client.checkmk import Checkmk
from .desired import Desired
from .kinds import FOLDERS, HOSTS, Property
from .observed import Observed

_GROUP = NOUNS[TagGroup.noun.name].singular
_TAGS: Property = ("tags",)


def with_site_attributes(client: Checkmk, desired: Desired, observed: Observed) -> Observed:
    """Return the observed state with the attributes that the site will have when the plan has been applied.

    They are read only if the inventory uses one of them, with at most two requests.
    """
    used = set(_site_defined(desired))
    if not used:
        return observed
    is_custom = any(not name.startswith(TAG) for name in used)
    host = next((found.key for found in observed.of_kind(HOSTS.name)), None) if is_custom else None
    found = client.host_attributes.read(host, fresh=True)
    groups = dict(found.groups or {})
    for wanted in desired.of_kind(_GROUP):
        before = groups.pop(wanted.key, None) or TagGroup(wanted.key, title="", tags=[])
        if not wanted.absent:
            groups[wanted.key] = dataclasses.replace(before, tags=wanted.properties.get(_TAGS, before.tags))
    return dataclasses.replace(
        observed, attributes=dataclasses.replace(found, groups=None if found.groups is None else groups)
    )


def _site_defined(desired: Desired) -> Iterator[str]:
    """Yield the attributes in the inventory whose names or values each site defines."""
    for kind in (HOSTS.name, FOLDERS.name):
        for wanted in desired.of_kind(kind):
            for path in wanted.properties:
                if path[0] == "attributes" and (path[1] not in BUILT_IN or path[1] in SAMPLE_TAGS):
                    yield path[1]
