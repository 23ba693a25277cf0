"""What of an inventory a site would refuse, or may not be what was meant: told before anything is sent."""

from __future__ import annotations

import re
from typing import Iterator, Sequence

from ..resources.attributes import BUILT_IN
from .desired import REMOVE, Desired, Object, Problem
from .observe import Observed

__all__ = ["folders_that_stay", "impossible", "warnings"]

# Checkmk: so new folders may be named; older ones may also hold spaces and dots.
_NEW_FOLDER = re.compile(r"[-\w]+")
# How Checkmk shows the root, and the directory in which it keeps it.
_ROOTS = frozenset({"/main", "/wato"})


def impossible(desired: Desired, observed: Observed) -> Iterator[Problem]:
    """The folders that are missing on the site and have names that Checkmk takes for no new one."""
    for folder in _new_folders(desired, observed):
        name = folder.key.rpartition("/")[2]
        if not _NEW_FOLDER.fullmatch(name):
            said = f"the folder {folder.key} does not exist, and Checkmk creates none named {name!r}"
            yield Problem(f"{said}: only letters, digits, '-' and '_' are allowed", folder.place or None)


def warnings(desired: Desired, observed: Observed) -> Iterator[str]:
    """What can be meant, but rarely is."""
    for folder in _new_folders(desired, observed):
        if folder.key.lower() in _ROOTS:
            yield (
                f"folder {folder.key} is created below the root; "
                "the root itself, which Checkmk shows as Main, is written /"
            )
    for name, users in _unknown_attributes(desired, observed).items():
        first = f"{users[0].name} ({users[0].place})" if users[0].place else users[0].name
        more = f" and {len(users) - 1} more" if len(users) > 1 else ""
        close = _close(name)
        hint = f"did you mean {close!r}?" if close else "is it a custom one of this site?"
        yield f"the attribute {name!r} of {first}{more} is none of Checkmk's own; {hint}"


def folders_that_stay(paths: Sequence[str]) -> Iterator[str]:
    """Folders that are empty and ours, where the site knows only to delete them with all that is in them."""
    if paths:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        yield (
            f"folder {paths[0]}{more} of yours would be empty and stays: this version of Checkmk deletes folders only "
            "with all that is in them; from 2.2.0p26 on it can refuse that"
        )


def _new_folders(desired: Desired, observed: Observed) -> Iterator[Object]:
    return (folder for folder in desired.of_kind("folder") if ("folder", folder.key) not in observed.objects)


def _unknown_attributes(desired: Desired, observed: Observed) -> dict[str, list[Object]]:
    """The attributes that neither Checkmk has nor anything on the site, with what they are wanted for."""
    wanted: dict[str, list[Object]] = {}
    for each in desired.objects.values():
        for path, value in each.properties.items():
            if path[0] == "attributes" and path[1] not in BUILT_IN and value is not REMOVE:
                wanted.setdefault(path[1], []).append(each)
    is_held = {path[1] for found in observed.objects.values() for path in found.properties if path[0] == "attributes"}
    # Every site has tag groups of its own.
    return {
        name: users
        for name, users in sorted(wanted.items())
        if name not in is_held and (_close(name) or not name.startswith("tag_"))
    }


def _close(name: str) -> str:
    """The attribute of Checkmk whose name is nearly ``name``, or nothing."""
    import difflib  # only a name of unknown origin pays for it

    return next(iter(difflib.get_close_matches(name.lower(), [*BUILT_IN, "labels"], n=1, cutoff=0.8)), "")
