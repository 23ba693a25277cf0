"""Check an inventory against the site before anything is sent."""

from __future__ import annotations

import re
from typing import Any, Callable, Collection, Container, Iterable, Iterator, Mapping, Optional, Sequence, TypeVar

from ..catalogue.attributes import BUILT_IN, CHOICES, TAG, tag_problem
from ..client.object_format import NounFormat, noun_format
from ..config.secrets import NOT_HIDDEN, advice_on_secret, references_in
from ..core.grouping import grouped
from ..core.secret_names import is_secret_name
from ..core.text import close_matches, pluralize, suggestion, summarize
from ..errors import CheckmkError
from .desired import REMOVE, Desired, Object, Problem
from .kinds import FOLDER, FOLDERS, HOSTS, KINDS, Property
from .observed import Observed
from .values import attribute_problem, label_problem, new_host_problem

T = TypeVar("T", str, tuple[str, str])

# Checkmk: the allowed names of new folders. Older folders may also contain spaces and dots.
_NEW_FOLDER = re.compile(r"[-\w]+")
# Checkmk shows the root folder as "Main" and stores it in the directory "wato".
_ROOTS = frozenset({"/main", "/wato"})


def invalid_folders(desired: Desired, observed: Observed) -> Iterator[Problem]:
    """Yield a mistake for each new folder with a name that Checkmk would refuse."""
    for folder in _new_folders(desired, observed):
        name = folder.key.rpartition("/")[2]
        if not _NEW_FOLDER.fullmatch(name):
            message = f"the folder {folder.key} does not exist, and Checkmk cannot create a folder named {name!r}"
            yield Problem(f"{message}; use only letters, digits, '-' and '_'", folder.location or None)


def value_problems(wanted: Object, sent: Mapping[Property, Any], observed: Observed) -> Iterator[Problem]:
    """Yield a mistake for each property in ``sent`` that Checkmk would refuse."""
    known, tags = _format_of(wanted.kind, observed), observed.attributes.tags
    for path, value in sent.items():
        problem = None
        if value is not None and tags is not None and _is_tag(path) and path[1] not in CHOICES:
            problem = tag_problem(tags, path[1], value)
        elif value is not None and path[0] == "attributes" and path[1] in BUILT_IN:
            problem = attribute_problem(wanted.kind, path[1], value, observed.version, observed.edition)
        elif value is not None and path[0] == "labels":
            problem = label_problem(path[1], value, observed.version)
        elif known is not None:
            problem = _field_problem(known, path[0], {name for name, *_ in sent})
        if problem is not None:
            yield wanted.problem(problem, *path)


def fixed_problems(wanted: Object, changed: Iterable[Property]) -> Iterator[Problem]:
    """Yield a mistake for each property in ``changed`` that the API cannot change, such as the ruleset of a rule."""
    kind = KINDS[wanted.kind]
    for path in changed:
        field = kind.field_at(path)
        if field is not None and field.fixed and path != FOLDER:
            message = (
                f"the {field.name} of an existing {kind.name} cannot change; give the new {kind.name} another name"
            )
            yield wanted.problem(message, *path)


def list_problems(wanted: Object, observed: Observed) -> Iterator[Problem]:
    """Yield a mistake if the list does not exist, such as a ruleset, or if its objects cannot have a property."""
    kind = KINDS[wanted.kind]
    name, known = _list_of(wanted, observed), observed.lists.get(kind.name)
    if known is None or name is None:
        return
    if name not in known:
        wrong = f"unknown {kind.listed_by[0]} {name!r}{suggestion(name, tuple(known))}"
        yield wanted.problem(wrong, *kind.listed_by)
        return
    for path, value in wanted.properties.items():
        field = kind.field_at(path)
        check = None if field is None or value is REMOVE else field.problem_in
        problem = None if check is None else check(value, known[name])
        if problem is not None:
            yield wanted.problem(problem, *path)


def _list_of(wanted: Object, observed: Observed) -> Optional[str]:
    """Return the list of an object, such as the ruleset of a rule; None if it is not known."""
    existing = observed.objects.get((wanted.kind, wanted.key))
    now = {} if existing is None else existing.properties
    name: Optional[str] = {**now, **wanted.properties}.get(KINDS[wanted.kind].listed_by)
    return name


def _is_tag(path: Property) -> bool:
    return path[0] == "attributes" and path[1].startswith(TAG)


def _format_of(kind: str, observed: Observed) -> Optional[NounFormat]:
    """Return the format of a plain noun at the site; None for hosts and folders, or if the version is unknown."""
    noun = KINDS[kind].noun
    if noun is None or observed.version is None:
        return None
    return noun_format(noun.name, observed.version, observed.edition or "")


def _field_problem(known: NounFormat, name: str, given: Container[str]) -> Optional[str]:
    try:
        known.require_partners([name], given)
    except (CheckmkError, ValueError) as error:
        return str(error)
    return None


def creation_problems(wanted: Object, observed: Observed) -> Iterator[Problem]:
    """Yield a mistake if Checkmk would refuse the name of a new host, or if a new object lacks a required field."""
    known = _format_of(wanted.kind, observed)
    problem = new_host_problem(wanted.key, observed.version) if wanted.kind == HOSTS.name else None
    if known is not None:
        given = {known.key.name, *known.initial, *(path[0] for path in wanted.properties)}
        try:
            known.require(dict.fromkeys(given))
        except ValueError as error:
            problem = str(error)
    if problem is not None:
        yield wanted.problem(problem, KINDS[wanted.kind].keys[0])


def secret_problems(wanted: Object, known: Collection[str], observed: Observed) -> Iterator[Problem]:
    """Yield a mistake for each reference to a secret that the configuration does not define."""
    kind = KINDS[wanted.kind]
    for path, value in wanted.properties.items():
        for name in kind.secret_names(path, value):
            if name not in known:
                advice = advice_on_secret(name, known)
                yield wanted.problem(f"{path[-1]} names the unknown secret {name!r}{advice}", *path)
        field, hidden = kind.field_at(path), kind.revealed(path, value, lambda _name: "")
        if field is not None and field.literal and not is_secret_name(_list_of(wanted, observed) or ""):
            hidden = value if isinstance(value, str) else hidden
        for text in references_in(hidden) if kind.secret_member(path, value) else ():
            yield wanted.problem(f"{path[-1]} contains {text!r}, which is {NOT_HIDDEN}", *path)


def warnings(desired: Desired, observed: Observed, kept: Sequence[str], secrets_written: int) -> Iterator[str]:
    """Yield a warning for each part of an inventory that is valid but probably a mistake.

    ``kept`` are the empty folders that stay, and ``secrets_written`` is the number of objects whose secrets are written
    each time.
    """
    for folder in _new_folders(desired, observed):
        if folder.key.lower() in _ROOTS:
            yield (
                f"folder {folder.key} will be created below the root folder; "
                "to name the root folder itself, which Checkmk shows as Main, write /"
            )
    yield from observed.attributes.gaps
    for name, users in _not_in_use(desired, observed, _custom_attributes).items():
        yield from _name_warning(name, users, observed.attributes.custom)
    scans = [wanted for wanted in desired.objects.values() if _lacks_criticality(wanted)]
    if scans:
        subject = f"the network_scan of {_name_first(scans)}"
        yield f"{subject} has no tag_criticality; Checkmk requires it if the site has that tag group"
    for (name, value), users in _unknown_values(desired, observed).items():
        noun = "contact group" if name == "contactgroups" else name
        yield f"the {noun} {value!r} of {_name_first(users)} is not used by any object of the site; does it exist?"
    if kept:
        yield (
            f"your empty folders are not deleted ({summarize(kept, 1)}), because this version of Checkmk deletes "
            "folders together with their contents; 2.2.0p26 and later can refuse to delete folders that are not empty"
        )
    if secrets_written:
        objects = pluralize(secrets_written, "object")
        yield f"the secrets of {objects} are written even if they are unchanged, because of 'secrets: always'"


def _name_warning(name: str, users: Sequence[Object], custom: Optional[Collection[str]]) -> Iterator[str]:
    """Yield a warning for an attribute that no object has, unless it is one of the site's ``custom`` attributes."""
    if name in (custom or ()):
        return
    close = close_matches(name.lower(), [*BUILT_IN, "labels", *(custom or ())])
    subject = f"the attribute {name!r} of {_name_first(users)}"
    if close:
        yield f"{subject} is not built into Checkmk; did you mean {close[0]!r}?"
    elif custom is None:
        yield f"{subject} is not built into Checkmk; is it a custom attribute of this site?"
    else:
        yield f"{subject} does not exist on this site; create it in Checkmk first, under Custom host attributes"


def not_compared_warnings(objects: Mapping[str, Sequence[Object]]) -> Iterator[str]:
    """Yield a warning for each field whose value the site does not show for some objects."""
    for name, found in objects.items():
        subject = f"the site does not show whether {name} of {_name_first(found)}"
        yield f"{subject} has the wanted value, so the plan does not change it; 'secrets: always' writes it each time"


def _name_first(users: Sequence[Object]) -> str:
    """Return the first object with its location, and the number of other objects."""
    return summarize([user.located_name for user in users], 1)


def _new_folders(desired: Desired, observed: Observed) -> Iterator[Object]:
    folders = desired.of_kind(FOLDERS.name)
    return (folder for folder in folders if folder.target not in observed.objects and not folder.absent)


def _not_in_use(
    desired: Desired, observed: Observed, names_in: Callable[[Mapping[Property, Any]], Iterable[T]]
) -> dict[T, list[Object]]:
    """Return the names in the properties of the inventory that no object of the site has, each with its users."""
    users = grouped((name, wanted) for wanted in desired.objects.values() for name in names_in(wanted.properties))
    if not users:
        return {}
    known = {name for current in observed.objects.values() for name in names_in(current.properties)}
    return {name: users[name] for name in sorted(users.keys() - known)}


def _custom_attributes(properties: Mapping[Property, Any]) -> Iterator[str]:
    for path, value in properties.items():
        # A tag that the site does not have is a mistake.
        if path[0] == "attributes" and path[1] not in BUILT_IN and value is not REMOVE and not _is_tag(path):
            yield path[1]


def _lacks_criticality(wanted: Object) -> bool:
    scan = wanted.properties.get(("attributes", "network_scan"))
    return isinstance(scan, Mapping) and "addresses" in scan and "tag_criticality" not in scan


_CONTACT_GROUP = "contact group"
# Each site defines the values of these attributes. Every new site has the listed values.
_SITE_DEFINED: Mapping[str, tuple[str, ...]] = {"contactgroups": ("all",), "site": ()}


def _site_defined_values(properties: Mapping[Property, Any]) -> Iterator[tuple[str, str]]:
    """Yield a pair of name and value for each value of a site-defined attribute."""
    for name in _SITE_DEFINED:
        value = properties.get(("attributes", name))
        if name == "contactgroups":
            value = value.get("groups") if isinstance(value, Mapping) else None
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, str):
                yield name, entry
    custom = properties.get(("custom_attributes",))
    yield from (("custom attribute", name) for name in custom) if isinstance(custom, Mapping) else ()


def _unknown_values(desired: Desired, observed: Observed) -> dict[tuple[str, str], list[Object]]:
    """Return site-defined values that are not in use on the site, each with the objects that name it."""
    known = {("site", observed.site), *((name, value) for name in _SITE_DEFINED for value in _SITE_DEFINED[name])}
    groups = (key for kind, key in (*desired.objects, *observed.objects) if kind == _CONTACT_GROUP)
    known.update(("contactgroups", key) for key in groups)
    return _not_in_use(
        desired, observed, lambda properties: (pair for pair in _site_defined_values(properties) if pair not in known)
    )
