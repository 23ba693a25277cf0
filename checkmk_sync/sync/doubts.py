"""What of an inventory a site would refuse, or may not be what was meant: told before anything is sent."""

from __future__ import annotations

import re
from typing import Iterator

from .desired import Desired, Object, Problem
from .observe import Observed

__all__ = ["impossible", "warnings"]

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


def _new_folders(desired: Desired, observed: Observed) -> Iterator[Object]:
    return (folder for folder in desired.of_kind("folder") if ("folder", folder.key) not in observed.objects)
