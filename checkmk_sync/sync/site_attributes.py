"""The attributes in an inventory that the site defines: its tag groups, and its custom attributes."""

from __future__ import annotations

import dataclasses
from typing import Iterator, Optional

from ..catalogue.attributes import BUILT_IN, SAMPLE_TAGS, TAG
from ..catalogue.nouns import NOUNS, TagGroup
from ..client.checkmk import Checkmk
from ..client.nouns.host_attributes import AttributeUsers
from ..errors import ForbiddenError
from .changes import Action, Change, Conflict
from .desired import Desired
from .kinds import FOLDERS, HOSTS, Property
from .observed import Observed
from .plan import Plan

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
    """Yield the attributes in the inventory with names or values that each site defines."""
    for kind in (HOSTS.name, FOLDERS.name):
        for wanted in desired.of_kind(kind):
            for path in wanted.properties:
                if path[0] == "attributes" and (path[1] not in BUILT_IN or path[1] in SAMPLE_TAGS):
                    yield path[1]


def with_tags_in_use(client: Checkmk, plan: Plan) -> Plan:
    """Return the plan with a conflict for each change of a tag group that Checkmk would refuse, because of its users.

    The users are read only if the plan deletes a tag group or one of its tags.
    """
    conflicts = [
        conflict
        for change in plan.changes
        if change.kind == _GROUP and change.action in (Action.UPDATE, Action.DELETE)
        if (conflict := _conflict(client, change, plan)) is not None
    ]
    ordered = sorted((*plan.conflicts, *conflicts), key=lambda conflict: (conflict.kind, conflict.key))
    return dataclasses.replace(plan, conflicts=tuple(ordered)) if conflicts else plan


def _conflict(client: Checkmk, change: Change, plan: Plan) -> Optional[Conflict]:
    before, after = ({tag.get("id") for tag in tags or ()} for tags in change.properties.get(_TAGS, ((), ())))
    lost = None if change.action is Action.DELETE else before - after - {None}
    if lost == set():
        return None
    try:
        users = _remaining(client.host_attributes.used_by(f"{TAG}{change.key}", lost), plan)
    except ForbiddenError:  # this user may lack the permission to see rules
        return None
    if not users:
        return None
    what = "be deleted" if lost is None else f"lose {', '.join(sorted(map(repr, lost)))}"
    hint = "give them another tag in the inventory, or change the group with checkmk-sync tag-groups and --repair"
    return Conflict(change.kind, change.key, None, f"cannot {what} while used by {users}", hint, change.location)


def _remaining(users: AttributeUsers, plan: Plan) -> AttributeUsers:
    """Return the users of a tag group that remain when the plan removes its tags, which it does after other updates."""
    changes = [change for change in plan.changes if change.may_free(users.attribute)]
    freed = {(change.kind, change.key) for change in changes}
    rules = {change.existing.id for change in changes if change.existing is not None}
    return dataclasses.replace(
        users,
        hosts=tuple(name for name in users.hosts if (HOSTS.name, name) not in freed),
        folders=tuple(path for path in users.folders if (FOLDERS.name, path) not in freed),
        rules=tuple(rule for rule in users.rules if rule.id not in rules),
    )
