"""Find attributes, labels and host names that Checkmk would refuse. Some rules depend on the version of Checkmk."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from typing import Any, Callable, Optional

from ..catalogue.attributes import ADDRESSES, BUILT_IN, CHOICES, FLAGS, LACKING, NEWER, NOT_OF_FOLDERS
from ..catalogue.paths import host_name
from ..catalogue.versions import CheckmkVersion
from ..core.redaction import HIDDEN
from ..core.secret_names import is_secret_name
from ..core.text import suggestion
from .attributes import show_value
from .shapes import shape_problem

_SCIENTIFIC = re.compile(r"\d+([.,]\d+)?[eE]\+\d+", re.ASCII)
# The first versions with different rules, newest first.
_LINES = tuple(map(CheckmkVersion.parse, ("2.6.0b1", "2.5.0b1", "2.4.0b1", "2.3.0b1", "2.2.0")))
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?!\Z)|\Z)){4}")
# An invalid IPv4 address, such as 192.0.2.300, does not count as a host name, although Checkmk may accept it.
_NAME = re.compile(r"(?!\d+\.\d+\.\d+\.\d+\Z)[-0-9a-zA-Z_.]+", re.ASCII)


def problem_in_every_version(kind: str, name: str, value: Any) -> Optional[str]:
    """Return why no version of Checkmk accepts the value of an attribute; None if some version accepts it.

    A mapping may lack keys, because it will be merged with the value on the site.
    """
    if name not in BUILT_IN:
        return None
    families = () if kind == "folder" else ADDRESSES.get(name, ())
    if 4 in families and isinstance(value, str) and _IPV4.fullmatch(value):  # the common case, checked quickly
        return None
    problems = (attribute_problem(kind, name, value, version, is_partial=True) for version in _LINES)
    newest = next(problems)
    return newest if newest and all(problems) else None


def attribute_problem(
    kind: str,
    name: str,
    value: Any,
    version: Optional[CheckmkVersion],
    edition: Optional[str] = None,
    *,
    is_partial: bool = False,
) -> Optional[str]:
    """Return why Checkmk refuses a value for an attribute of a host or folder; None if it accepts it.

    The value must have the right type. With ``is_partial`` a mapping may lack keys, because it will be merged with the
    value on the site.
    """
    since = NEWER.get(name)
    if since is not None and version is not None and not version.at_least(since):
        return f"Checkmk {version} has no attribute {name}"
    if edition in LACKING.get(name, ()):
        return f"this edition of Checkmk ({edition}) has no attribute {name}"
    if kind == "folder" and name in NOT_OF_FOLDERS:
        return f"folders have no attribute {name}"
    if name in ADDRESSES:
        return _first_problem(name, value, lambda text: _address_problem(text, ADDRESSES[name], version))
    if name == "parents":
        return _first_problem(name, value, _parent_problem)
    if name in CHOICES and value not in CHOICES[name]:
        return f"unknown {name} {value!r}{suggestion(value, CHOICES[name])}"
    if name in FLAGS and not isinstance(value, bool):
        return f"{name} must be true or false, not {show_value(value)}"
    problem = shape_problem(name, value, is_partial=is_partial)
    return f"{problem}; null removes the attribute" if problem and value == {} else problem


def new_host_problem(name: str, version: Optional[CheckmkVersion]) -> Optional[str]:
    """Return why Checkmk refuses this name for a new host, although older hosts may have it; None if it is valid."""
    if name[0] not in "-." or not _is_since_2_3(version):
        return None
    return f"{name!r} must not begin with {name[0]!r}; {_version_name(version)} refuses that for new hosts"


def label_problem(key: str, value: str, version: Optional[CheckmkVersion]) -> Optional[str]:
    """Return why Checkmk refuses a label; None if it accepts the label."""
    # Checkmk: 2.3 to 2.5 refuse colons in values. An unknown version may refuse them too.
    takes_colons = version is not None and (not version.at_least("2.3.0b1") or version.at_least("2.6.0b1"))
    if ":" not in value or takes_colons:
        return None
    shown = HIDDEN if is_secret_name(key) else repr(value)
    return f"the label {key} is {shown}, but {_version_name(version)} refuses values with ':'"


def _is_since_2_3(version: Optional[CheckmkVersion]) -> bool:
    """Return True for 2.3 or later, and for an unknown version, because it is more likely to be a recent one."""
    return version is None or version.at_least("2.3.0b1")


def _version_name(version: Optional[CheckmkVersion]) -> str:
    return "Checkmk" if version is None else f"Checkmk {version}"


def _first_problem(name: str, value: Any, check: Callable[[str], Optional[str]]) -> Optional[str]:
    """Return the problem of a string, or of the first invalid entry of a list."""
    entries = (
        {f"{name}[{index}]": entry for index, entry in enumerate(value)} if isinstance(value, list) else {name: value}
    )
    return next((f"{path} is {problem}" for path, entry in entries.items() if (problem := check(entry))), None)


def _address_problem(text: str, families: tuple[int, ...], version: Optional[CheckmkVersion]) -> Optional[str]:
    # Checkmk: since 2.3, the address may be empty, and a name must not begin with a dash or a dot.
    needed = " or ".join(f"IPv{family}" for family in families)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        if text == "" if _is_since_2_3(version) and text[:1] in ("", "-", ".") else _NAME.fullmatch(text):
            return None
        return f"{text!r}, which is neither an {needed} address nor a host name{_address_hint(text)}"
    if address.version not in families:
        return f"{text!r}, which is an IPv{address.version} address; it must be an {needed} address or a host name"
    return f"{text!r}, which is not the address of a host" if address.version == 6 and address.is_unspecified else None


def _address_hint(text: str) -> str:
    """Return a hint on why a string is not an address; empty if the reason is not obvious."""
    if text != text.strip() or " " in text:
        return "; it contains a space"
    address, slash, _ = text.partition("/")
    if slash:
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(address)
            return f"; write {address} without the mask"
    if _SCIENTIFIC.fullmatch(text):
        return "; a spreadsheet converted it to a number, so format the column as text"
    return ""


def _parent_problem(name: str) -> Optional[str]:
    if "," in name:
        return f"{name!r}; in CSV files, separate parents with '|', as in {'|'.join(name.replace(',', ' ').split())}"
    try:
        host_name(name)
    except ValueError:
        return f"{name!r}, which is not a valid host name"
    return None
