"""Checks for values that name a host, a folder or the site."""

from __future__ import annotations

import re
from typing import Optional

from .endpoints import SiteState
from .host_attributes import HOST_NAME
from .validation import Check, member_of, pattern, refined

_FOLDER = pattern(r"^(?:(?:[~\\\/]|(?:[~\\\/][-_ \w.]+)+[~\\\/]?)|[0-9a-fA-F]{32})$")
LONGEST_HOST_NAME = 240


def existing_host(state: SiteState) -> Check:
    return member_of(state.configuration.hosts, "Host not found: {!r}", HOST_NAME)


def node(state: SiteState) -> Check:
    """Accept a host that can be the node of a cluster."""
    hosts = state.configuration.hosts

    def problem(name: str) -> Optional[str]:
        return None if hosts[name].nodes is None else f"Host {name!r} may not be a cluster host, but is."

    return refined(existing_host(state), problem)


def unused_host_name(state: SiteState) -> Check:
    hosts, first_character = state.configuration.hosts, re.compile(state.profile.first_character_of_host_names)

    def problem(name: str) -> Optional[str]:
        if len(name) > LONGEST_HOST_NAME:
            return f"host address too long: {name[:16] + '…'!r}"
        if not first_character.match(name):
            return f"Invalid hostaddress: {name!r}"
        return f"Host {name!r} already exists." if name in hosts else None

    return refined(HOST_NAME, problem)


def existing_folder(state: SiteState) -> Check:
    """Accept an existing folder in any spelling."""

    def problem(text: str) -> Optional[str]:
        return f"The folder {text!r} could not be found." if state.configuration.folder(text) is None else None

    return refined(_FOLDER, problem)


def existing_site(state: SiteState) -> Check:
    return member_of(state.configuration.sites, "The site {!r} should exist but it doesn't.")
