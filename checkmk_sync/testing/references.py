"""Checks for what names something of the site: hosts, folders, sites."""

from __future__ import annotations

import re
from typing import Any

from . import host_attributes as attributes
from .endpoints import SiteState
from .validation import Check, pattern, text

__all__ = ["FOLDER", "HOST_NAME", "existing_folder", "existing_host", "existing_site", "node", "unused_host_name"]

HOST_NAME = pattern(attributes.HOST_NAME)
FOLDER = pattern(r"^(?:(?:[~\\\/]|(?:[~\\\/][-_ \w.]+)+[~\\\/]?)|[0-9a-fA-F]{32})$")
LONGEST_HOST_NAME = 240


def existing_host(state: SiteState) -> Check:
    hosts = state.configuration.hosts
    return lambda value: HOST_NAME(value) or (None if value in hosts else [f"Host not found: {value!r}"])


def node(state: SiteState) -> Check:
    """A host that may become the node of a cluster."""
    exists, hosts = existing_host(state), state.configuration.hosts

    def check(value: Any) -> Any:
        wrong = exists(value)
        if wrong is None and hosts[value].nodes is not None:
            wrong = [f"Host {value!r} may not be a cluster host, but is."]
        return wrong

    return check


def unused_host_name(state: SiteState) -> Check:
    hosts, may_begin = state.configuration.hosts, re.compile(state.profile.host_name_begins)

    def check(value: Any) -> Any:
        wrong = HOST_NAME(value)
        if wrong is None and len(value) > LONGEST_HOST_NAME:
            wrong = [f"host address too long: {value[:16] + '…'!r}"]
        if wrong is None and not may_begin.match(value):
            wrong = [f"Invalid hostaddress: {value!r}"]
        if wrong is None and value in hosts:
            wrong = [f"Host {value!r} already exists."]
        return wrong

    return check


def existing_folder(state: SiteState) -> Check:
    """A folder in any of its spellings."""
    said: dict[str, Any] = {}  # bulk calls name the same folder again and again

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            return text(value)
        if value not in said:
            is_there = state.configuration.folder(value) is not None
            said[value] = FOLDER(value) or (None if is_there else [f"The folder {value!r} could not be found."])
        return said[value]

    return check


def existing_site(state: SiteState) -> Check:
    site = state.configuration.site
    return lambda value: (
        text(value) or (None if value == site else [f"The site {value!r} should exist but it doesn't."])
    )
