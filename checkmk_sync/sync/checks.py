"""Checks of an inventory against the site that it is for, which run before anything is sent."""

from __future__ import annotations

import re
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence

from ..catalogue.attributes import BUILT_IN, SAMPLE_TAGS
from ..core.text import close_matches, summarize
from .desired import REMOVE, Desired, Object, Problem
from .kinds import Property
from .observed import Observed
from .values import refused_attribute, refused_host, refused_label

__all__ = ["invalid_folders", "kept_folders_warning", "refused", "refused_name", "warnings"]

# Checkmk: so new folders may be named; older ones may also hold spaces and dots.
_NEW_FOLDER = re.compile(r"[-\w]+")
# How Checkmk shows the root, and the directory in which it keeps it.
_ROOTS = frozenset({"/main", "/wato"})


def invalid_folders(desired: Desired, observed: Observed) -> Iterator[Problem]:
    """The folders that are missing on the site and have names that Checkmk takes for no new one."""
    for folder in _new_folders(desired, observed):
        name = folder.key.rpartition("/")[2]
        if not _NEW_FOLDER.fullmatch(name):
            message = f"the folder {folder.key} does not exist, and Checkmk creates none named {name!r}"
            yield Problem(f"{message}: only letters, digits, '-' and '_' are allowed", folder.location or None)


def refused(wanted: Object, sent: Mapping[Property, Any], observed: Observed) -> Iterator[Problem]:
    """What Checkmk would refuse of the properties that are to be ``sent``."""
    for path, value in sent.items():
        refusal = None
        if value is not None and path[0] == "attributes" and path[1] in BUILT_IN:
            refusal = refused_attribute(wanted.kind, path[1], value, observed.version, observed.edition)
        elif value is not None and path[0] == "labels":
            refusal = refused_label(path[1], value, observed.version)
        if refusal is not None:
            yield wanted.problem(refusal, *path)


def refused_name(wanted: Object, observed: Observed) -> Iterator[Problem]:
    """The name of a new host, if Checkmk would refuse it."""
    refusal = refused_host(wanted.key, observed.version) if wanted.kind == "host" else None
    if refusal is not None:
        yield wanted.problem(refusal, "name")


def warnings(desired: Desired, observed: Observed) -> Iterator[str]:
    """What can be meant, but rarely is."""
    for folder in _new_folders(desired, observed):
        if folder.key.lower() in _ROOTS:
            yield (
                f"folder {folder.key} is created below the root; "
                "the root itself, which Checkmk shows as Main, is written /"
            )
    for name, users in _unknown_attributes(desired, observed).items():
        close = close_matches(name.lower(), [*BUILT_IN, "labels"])
        of = f"the attribute {name!r} of {_some(users)}"
        if close:
            yield f"{of} is none of Checkmk's own; did you mean {close[0]!r}?"
        elif name.startswith("tag_"):
            yield f"{of} is on nothing else of the site; is {name[4:]!r} one of its tag groups?"
        else:
            yield f"{of} is none of Checkmk's own; is it a custom one of this site?"
    scans = [wanted for wanted in desired.objects.values() if _lacks_criticality(wanted)]
    if scans:
        yield f"the network_scan of {_some(scans)} has no tag_criticality; Checkmk demands one if it has that tag group"
    for (name, value), users in _unknown_values(desired, observed).items():
        yield f"the {_NOUNS.get(name, name)} {value!r} of {_some(users)} is on nothing else of the site; does it exist?"


def kept_folders_warning(paths: Sequence[str]) -> Iterator[str]:
    """Folders that are empty and ours, where the site knows only to delete them with all that is in them."""
    if paths:
        yield (
            f"folder {summarize(paths, 1)} of yours would be empty and stays: this version of Checkmk deletes folders "
            "only with all that is in them; from 2.2.0p26 on it can refuse that"
        )


def _some(users: Sequence[Object]) -> str:
    """The first of some objects with its place, and how many more there are."""
    return summarize([f"{user.name} ({user.location})" if user.location else user.name for user in users], 1)


def _new_folders(desired: Desired, observed: Observed) -> Iterator[Object]:
    return (folder for folder in desired.of_kind("folder") if ("folder", folder.key) not in observed.objects)


def _unknown_attributes(desired: Desired, observed: Observed) -> dict[str, list[Object]]:
    """The attributes that neither Checkmk has nor anything on the site, with what they are wanted for."""
    wanted: dict[str, list[Object]] = {}
    for each in desired.objects.values():
        for path, value in each.properties.items():
            if path[0] == "attributes" and path[1] not in BUILT_IN and value is not REMOVE:
                wanted.setdefault(path[1], []).append(each)
    is_held = {
        path[1] for existing in observed.objects.values() for path in existing.properties if path[0] == "attributes"
    }
    return {name: users for name, users in sorted(wanted.items()) if name not in is_held}


def _lacks_criticality(wanted: Object) -> bool:
    scan = wanted.properties.get(("attributes", "network_scan"))
    return isinstance(scan, Mapping) and "addresses" in scan and "tag_criticality" not in scan


_NOUNS = {"contactgroups": "contact group"}
_Values = Callable[[Any], Iterable[Any]]


def _one(value: Any) -> Iterable[Any]:
    return (value,)


def _groups(value: Any) -> Iterable[Any]:
    groups = value.get("groups") if isinstance(value, Mapping) else None
    return groups if isinstance(groups, list) else ()


# The attributes whose values a site defines itself, with what they name and what every new site has.
_OF_THE_SITE: Mapping[str, tuple[_Values, tuple[str, ...]]] = {
    **{name: (_one, known) for name, known in SAMPLE_TAGS.items()},
    "contactgroups": (_groups, ("all",)),
    "site": (_one, ()),
}


def _unknown_values(desired: Desired, observed: Observed) -> dict[tuple[str, str], list[Object]]:
    """The values that nothing on the site has, of attributes whose values a site defines itself."""
    wanted: dict[tuple[str, str], list[Object]] = {}
    for each in desired.objects.values():
        for name, (values, known) in _OF_THE_SITE.items():
            for value in values(each.properties.get(("attributes", name), REMOVE)):
                if isinstance(value, str) and value not in (*known, observed.site if name == "site" else None):
                    wanted.setdefault((name, value), []).append(each)
    if not wanted:
        return {}
    held = {
        (name, value)
        for existing in observed.objects.values()
        for name, (values, _) in _OF_THE_SITE.items()
        for value in values(existing.properties.get(("attributes", name)))
        if isinstance(value, str)
    }
    return {key: users for key, users in sorted(wanted.items()) if key not in held}
