"""The previous names of hosts in an inventory: hosts that are renamed instead of deleted and created."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterator, Mapping, Optional

from ..catalogue.paths import host_name
from ..errors import SettingsError
from .desired import Desired, Problem
from .kinds import ADOPTED, CONDITIONS, HOSTS, KINDS, PREVIOUS
from .observed import ExistingObject, Observed


def with_renames(desired: Desired, renames: Mapping[str, str]) -> Desired:
    """Return the inventory with previous names of hosts: ``{OLD: NEW}``.

    Raises SettingsError if the inventory does not contain a host with the new name, or names another previous name.
    """
    objects = dict(desired.objects)
    for old, new in renames.items():
        wanted = objects.get((HOSTS.name, new))
        if wanted is None:
            raise SettingsError(f"{old!r} cannot be renamed to {new!r}, because the inventory has no host {new!r}")
        if wanted.previous not in (None, old):
            raise SettingsError(f"{new!r} has two previous names: {wanted.previous!r} and {old!r}")
        try:
            objects[HOSTS.name, new] = replace(wanted, previous=host_name(old))
        except ValueError as error:
            raise SettingsError(f"{old!r} cannot be renamed: {error}") from None
    return replace(desired, objects=objects)


def name_problems(desired: Desired) -> Iterator[Problem]:
    """Yield a problem for each previous name that is also the name, or previous name, of another host."""
    users: dict[Optional[str], str] = {}
    for wanted in (host for host in desired.of_kind(HOSTS.name) if host.previous):
        first = users.setdefault(wanted.previous, wanted.key)
        if (HOSTS.name, wanted.previous) in desired.objects:
            message = "is itself a host in the inventory; chains and swaps of names need several runs"
            yield wanted.problem(f"the previous name {wanted.previous!r} {message}", PREVIOUS)
        elif first != wanted.key:
            yield wanted.problem(f"{wanted.previous!r} is also the previous name of {first}", PREVIOUS)


def after_renames(observed: Observed, names: Mapping[str, str]) -> Observed:
    """Return the state of the site as it will be after the renames ``{OLD: NEW}``."""

    def renamed(value: Any) -> Any:
        return [names.get(name, name) for name in value] if isinstance(value, list) else value

    def following(existing: ExistingObject) -> ExistingObject:
        references = [path for path, kind in KINDS[existing.kind].references.items() if kind == HOSTS.name]
        now = existing.properties
        properties = {path: renamed(value) if path in references else value for path, value in now.items()}
        if existing.kind == "rule" and (condition := (now.get(CONDITIONS) or {}).get("host_name")):
            condition = {**condition, "match_on": renamed(condition["match_on"])}
            properties[CONDITIONS] = {**properties[CONDITIONS], "host_name": condition}
        if existing.kind != HOSTS.name or existing.key not in names:
            return replace(existing, properties=properties)
        key = names[existing.key]
        if existing.adopted_as == existing.key:  # hosts.rename() changes this label
            properties[ADOPTED] = key
        return replace(existing, key=key, properties=properties)

    found = map(following, observed.objects.values())
    return replace(observed, objects={(existing.kind, existing.key): existing for existing in found})
