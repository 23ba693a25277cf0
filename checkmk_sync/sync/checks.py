"""Check an inventory against its site before anything is sent."""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping, Sequence

from ..catalogue.attributes import BUILT_IN, SAMPLE_TAGS
from ..core.text import close_matches, summarize
from .desired import REMOVE, Desired, Object, Problem
from .kinds import Property
from .observed import Observed
from .values import attribute_problem, label_problem, new_host_problem

__all__ = ["invalid_folders", "kept_folders_warning", "name_problems", "value_problems", "warnings"]

# Checkmk: so new folders may be named; older ones may also hold spaces and dots.
_NEW_FOLDER = re.compile(r"[-\w]+")
# How Checkmk shows the root, and the directory in which it keeps it.
_ROOTS = frozenset({"/main", "/wato"})


def invalid_folders(desired: Desired, observed: Observed) -> Iterator[Problem]:
    """Yield a mistake for each folder that the site does not have and that Checkmk would not create."""
    for folder in _new_folders(desired, observed):
        name = folder.key.rpartition("/")[2]
        if not _NEW_FOLDER.fullmatch(name):
            message = f"the folder {folder.key} does not exist, and Checkmk creates none named {name!r}"
            yield Problem(f"{message}: only letters, digits, '-' and '_' are allowed", folder.location or None)


def value_problems(wanted: Object, sent: Mapping[Property, Any], observed: Observed) -> Iterator[Problem]:
    """Yield a mistake for each property that is to be ``sent`` and that Checkmk would refuse."""
    for path, value in sent.items():
        problem = None
        if value is not None and path[0] == "attributes" and path[1] in BUILT_IN:
            problem = attribute_problem(wanted.kind, path[1], value, observed.version, observed.edition)
        elif value is not None and path[0] == "labels":
            problem = label_problem(path[1], value, observed.version)
        if problem is not None:
            yield wanted.problem(problem, *path)


def name_problems(wanted: Object, observed: Observed) -> Iterator[Problem]:
    """Yield a mistake if Checkmk would refuse the name of a new host."""
    problem = new_host_problem(wanted.key, observed.version) if wanted.kind == "host" else None
    if problem is not None:
        yield wanted.problem(problem, "name")


def warnings(desired: Desired, observed: Observed) -> Iterator[str]:
    """Yield a warning for each part of an inventory that is valid but probably a mistake."""
    for folder in _new_folders(desired, observed):
        if folder.key.lower() in _ROOTS:
            yield (
                f"folder {folder.key} is created below the root; "
                "the root itself, which Checkmk shows as Main, is written /"
            )
    for name, users in _unknown_attributes(desired, observed).items():
        close = close_matches(name.lower(), [*BUILT_IN, "labels"])
        subject = f"the attribute {name!r} of {_first_of(users)}"
        if close:
            yield f"{subject} is none of Checkmk's own; did you mean {close[0]!r}?"
        elif name.startswith("tag_"):
            yield f"{subject} is on nothing else of the site; is {name[4:]!r} one of its tag groups?"
        else:
            yield f"{subject} is none of Checkmk's own; is it a custom one of this site?"
    scans = [wanted for wanted in desired.objects.values() if _lacks_criticality(wanted)]
    if scans:
        subject = f"the network_scan of {_first_of(scans)}"
        yield f"{subject} has no tag_criticality; Checkmk demands one if it has that tag group"
    for (name, value), users in _unknown_values(desired, observed).items():
        noun = "contact group" if name == "contactgroups" else name
        yield f"the {noun} {value!r} of {_first_of(users)} is on nothing else of the site; does it exist?"


def kept_folders_warning(paths: Sequence[str]) -> Iterator[str]:
    """Yield a warning if folders would be empty, and the site can delete folders only with their contents."""
    if paths:
        yield (
            f"folder {summarize(paths, 1)} of yours would be empty and stays: this version of Checkmk deletes folders "
            "only with all that is in them; from 2.2.0p26 on it can refuse that"
        )


def _first_of(users: Sequence[Object]) -> str:
    """Return the first object with its location, and how many more there are."""
    return summarize([f"{user.name} ({user.location})" if user.location else user.name for user in users], 1)


def _new_folders(desired: Desired, observed: Observed) -> Iterator[Object]:
    return (folder for folder in desired.of_kind("folder") if ("folder", folder.key) not in observed.objects)


def _unknown_attributes(desired: Desired, observed: Observed) -> dict[str, list[Object]]:
    """Return the attributes that neither Checkmk nor any object of the site has, with the objects that use them."""
    users: dict[str, list[Object]] = {}
    for wanted in desired.objects.values():
        for path, value in wanted.properties.items():
            if path[0] == "attributes" and path[1] not in BUILT_IN and value is not REMOVE:
                users.setdefault(path[1], []).append(wanted)
    known = {path[1] for current in observed.objects.values() for path in current.properties if path[0] == "attributes"}
    return {name: users[name] for name in sorted(users.keys() - known)}


def _lacks_criticality(wanted: Object) -> bool:
    scan = wanted.properties.get(("attributes", "network_scan"))
    return isinstance(scan, Mapping) and "addresses" in scan and "tag_criticality" not in scan


# The attributes whose values each site defines itself, with the values that every new site has.
_SITE_DEFINED: Mapping[str, tuple[str, ...]] = {**SAMPLE_TAGS, "contactgroups": ("all",), "site": ()}


def _site_defined_values(properties: Mapping[Property, Any]) -> Iterator[tuple[str, str]]:
    """Yield the names and values of these attributes."""
    for name in _SITE_DEFINED:
        value = properties.get(("attributes", name))
        if name == "contactgroups":
            value = value.get("groups") if isinstance(value, Mapping) else None
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, str):
                yield name, entry


def _unknown_values(desired: Desired, observed: Observed) -> dict[tuple[str, str], list[Object]]:
    """Return the site-defined values that no object of the site has, with the objects that use them."""
    users: dict[tuple[str, str], list[Object]] = {}
    for wanted in desired.objects.values():
        for name, value in _site_defined_values(wanted.properties):
            if value not in _SITE_DEFINED[name] and (name, value) != ("site", observed.site):
                users.setdefault((name, value), []).append(wanted)
    if not users:
        return {}
    known = {pair for current in observed.objects.values() for pair in _site_defined_values(current.properties)}
    return {pair: users[pair] for pair in sorted(users.keys() - known)}
