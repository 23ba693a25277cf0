"""Checks for values that name a host, a folder or the site."""

from __future__ import annotations

import re
from typing import Any

from . import host_attributes as attributes
from .endpoints import SiteState
from .validation import Check, member_of, pattern, string

__all__ = ["FOLDER", "HOST_NAME", "existing_folder", "existing_host", "existing_site", "node", "unused_host_name"]

HOST_NAME = pattern(attributes.HOST_NAME)
FOLDER = pattern(r"^(?:(?:[~\\\/]|(?:[~\\\/][-_ \w.]+)+[~\\\/]?)|[0-9a-fA-F]{32})$")
LONGEST_HOST_NAME = 240


def existing_host(state: SiteState) -> Check:
    return member_of(state.configuration.hosts, "Host not found: {!r}", HOST_NAME)


def node(state: SiteState) -> Check:
    """Accept a host that may become the node of a cluster."""
    exists, hosts = existing_host(state), state.configuration.hosts

    def check(value: Any) -> Any:
        errors = exists(value)
        is_cluster = errors is None and hosts[value].nodes is not None
        return [f"Host {value!r} may not be a cluster host, but is."] if is_cluster else errors

    return check


def unused_host_name(state: SiteState) -> Check:
    hosts, first_character = state.configuration.hosts, re.compile(state.profile.first_character_of_host_names)

    def check(value: Any) -> Any:
        if HOST_NAME(value):
            return HOST_NAME(value)
        if len(value) > LONGEST_HOST_NAME:
            return [f"host address too long: {value[:16] + '…'!r}"]
        if not first_character.match(value):
            return [f"Invalid hostaddress: {value!r}"]
        return [f"Host {value!r} already exists."] if value in hosts else None

    return check


def existing_folder(state: SiteState) -> Check:
    """Accept a folder in any of its spellings."""
    known_errors: dict[str, Any] = {}  # bulk calls name the same folder again and again

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            return string(value)
        if value not in known_errors:
            exists = state.configuration.folder(value) is not None
            known_errors[value] = FOLDER(value) or (None if exists else [f"The folder {value!r} could not be found."])
        return known_errors[value]

    return check


def existing_site(state: SiteState) -> Check:
    return member_of((state.configuration.site,), "The site {!r} should exist but it doesn't.")
