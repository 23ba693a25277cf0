"""The shapes of requests with deep bodies in each version, from the official documents, and of attributes.

``request_shapes.json`` is generated; ``tools/make_request_shapes.py`` describes its format. ``attribute_shapes.json``
has the same format, but also names for values that a caller checks itself, such as ``ipv4``.
"""

from __future__ import annotations

import functools
from typing import Any, Mapping

from ..core.data_files import document

_ENABLED, _DISABLED = "enabled", "disabled"
# The first versions with a shape of their own. CHECKMK_API_MORE: up to 2.4.0p21, sites require all options.
SINCE = ("2.2.0b1", "2.3.0b1", "2.4.0b1", "2.4.0p22", "2.5.0b1")


_document = functools.cache(functools.partial(document, __file__))


def attribute_shape(name: str) -> Any:
    """Return the shape of an attribute that is a mapping, or of a named part. It is the same in 2.2 to 2.5."""
    return _document("attribute_shapes")[name]


def resolved(shape: Any) -> Any:
    """Return the shape to which a reference leads, or the shape itself."""
    while isinstance(shape, str) and shape.startswith("#"):
        shape = _document("request_shapes")["shapes"][shape[1:]]
    return shape


def _members(shape: Any) -> dict[str, Any]:
    """Return the shapes of an object's members by name. Other shapes have no members."""
    found = resolved(shape)
    return {name.rstrip("?"): part for name, part in found.get("members", {}).items()} if "members" in found else {}


def shape_at(since: str, *path: str) -> Any:
    """Return the shape of a noun's requests that create an object, since one of the versions :data:`SINCE`.

    ``path`` is the name of the noun. Further names lead to a member.
    """
    shape = _document("request_shapes")["versions"][since]
    for name in path:
        shape = _members(shape)[name]
    return shape


def with_all_options(shape: Any, value: Any) -> Any:
    """Return a value with all options of its shape. Options that it does not have are disabled.

    Sites require all options up to 2.4.0p21. Later, they enable some options that are missing, such as
    ``all_contacts_of_the_notified_object``.
    """
    found = resolved(shape)
    if isinstance(value, (list, tuple)):
        return [with_all_options(found["list"], entry) if "list" in found else entry for entry in value]
    if not isinstance(value, Mapping):
        return value
    if "kinds" in found:
        return with_all_options(found["kinds"].get(value.get(found["by"]), "any"), value)
    parts = _members(found)
    missing = {name: {"state": _DISABLED} for name, part in parts.items() if name not in value and _is_option(part)}
    return {**missing, **{name: with_all_options(parts.get(name, "any"), inner) for name, inner in value.items()}}


def _is_option(shape: Any) -> bool:
    found = resolved(shape)
    return "state" in _members(found["kinds"][_DISABLED] if "kinds" in found and _DISABLED in found["kinds"] else found)


def enabled_options(value: Any) -> Any:
    """Return a value without its disabled options."""
    if isinstance(value, (list, tuple)):
        return [enabled_options(inner) for inner in value]
    if not isinstance(value, Mapping):
        return value
    return {name: enabled_options(inner) for name, inner in value.items() if inner != {"state": _DISABLED}}


def holds_options(found: Any, wanted: Any) -> bool:
    """Return True if a site's value has the enabled options of ``wanted``, and no others.

    Members that are not options count only if they are wanted, because sites add defaults.
    """
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        mine, theirs = enabled_options(wanted), enabled_options(found)
        added = (inner for name, inner in theirs.items() if name not in mine)
        if any(isinstance(inner, Mapping) and inner.get("state") == _ENABLED for inner in added):
            return False
        return all(name in theirs and holds_options(theirs[name], inner) for name, inner in mine.items())
    if isinstance(found, (list, tuple)) and isinstance(wanted, (list, tuple)):
        return len(found) == len(wanted) and all(map(holds_options, found, wanted))
    return bool(found == wanted)
