"""The configuration of a simulated site: folders, hosts, objects of plain nouns, users and pending changes."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any, Collection, Iterator, Mapping, Optional, Sequence, TypeVar

from ..catalogue.nouns import NOUNS
from ..catalogue.paths import folder_path, is_folder_hash, parent_folder
from ..core.clock import Clock
from .builtin_objects import BUILTIN_OBJECTS
from .host_attributes import AttributeRules, with_defaults
from .version_profile import VersionProfile


@dataclass
class User:
    """A user account. ``failures`` counts wrong passwords; the account is locked when it reaches ``lock_after``.

    The user may change only hosts and folders in or below ``folders``, and see only hosts in or below ``sees``. None
    means no restriction.
    """

    name: str
    password: str
    permissions: frozenset[str]
    lock_after: Optional[int] = None
    failures: int = 0
    folders: Optional[tuple[str, ...]] = None
    sees: Optional[tuple[str, ...]] = None
    must_change_password: bool = False

    @property
    def is_locked(self) -> bool:
        return self.lock_after is not None and self.failures >= self.lock_after

    def may_change(self, path: str) -> bool:
        return _lies_in(path, self.folders)

    def may_see(self, path: str) -> bool:
        return _lies_in(path, self.sees)


def _lies_in(path: str, folders: Optional[tuple[str, ...]]) -> bool:
    inside = f"{path.rstrip('/')}/"
    return folders is None or any(inside.startswith(f"{folder.rstrip('/')}/") for folder in folders)


@dataclass(frozen=True)
class _Config:
    """A host or folder. A change replaces the object, so that a copy of the dict of hosts is a snapshot of them."""

    attributes: Mapping[str, Any]
    created_at: str
    updated_at: str
    created_by: str

    @property
    def meta_data(self) -> dict[str, str]:
        return {"created_at": self.created_at, "updated_at": self.updated_at, "created_by": self.created_by}


C = TypeVar("C", bound=_Config)


@dataclass(frozen=True)
class HostConfig(_Config):
    """A host. ``nodes`` is None unless the host is a cluster."""

    name: str
    folder: str
    nodes: Optional[Sequence[str]] = None


@dataclass(frozen=True)
class FolderConfig(_Config):
    """A folder. ``ident`` is its ID, a string of 32 hexadecimal digits."""

    path: str
    title: str
    ident: str

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass
class Configuration:
    """The configuration of a site.

    ``objects`` maps the name of each plain noun to the values of its objects by key. A change replaces the values of
    an object. ``user_attributes`` are the names of the custom attributes of users. ``mutex`` guards this object.
    ``lock`` simulates Checkmk's configuration lock, which writes hold.
    """

    profile: VersionProfile
    site: str
    clock: Clock
    remote_sites: Sequence[str] = ()
    user_attributes: Sequence[str] = ()
    rules: AttributeRules = field(init=False)
    hosts: dict[str, HostConfig] = field(default_factory=dict)
    folders: dict[str, FolderConfig] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    objects: dict[str, dict[str, Mapping[str, Any]]] = field(init=False)
    changes: list[dict[str, Any]] = field(default_factory=list)
    service_phases: dict[str, Mapping[int, str]] = field(default_factory=dict)  # by host name and service index
    _inheritance: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # by folder, until any folder changes
    mutex: threading.RLock = field(default_factory=threading.RLock)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.objects = {noun: dict(BUILTIN_OBJECTS.get(noun, {})) for noun in NOUNS}
        if not self.profile.version.at_least("2.4.0b1"):
            del self.objects["roles"]["no_permissions"]
        self.rules = AttributeRules(self.profile, self.sites, self.hosts, self.objects)
        self.apply_tag_groups()
        self.add_folder("/", "Main", {}, user="")
        self.changes.clear()

    @property
    def sites(self) -> tuple[str, ...]:
        """The IDs of all sites. The first one is the central site."""
        return (self.site, *self.remote_sites)

    def now(self) -> str:
        """Return the current time in the format of the API."""
        time = datetime.datetime.fromtimestamp(self.clock.time(), datetime.timezone.utc)
        return time.isoformat(timespec="microseconds")

    def apply_tag_groups(self) -> None:
        """Make the tag groups attributes of hosts and folders."""
        self.rules.set_tag_groups(self.objects["tag_groups"])
        self._inheritance = {}

    def add_login(self, user: User, role: str) -> None:
        """Add a user that can log in, with the permissions of ``user`` instead of those of its role."""
        self.users[user.name] = user
        login = {"auth_type": "automation", "secret": user.password}
        self.objects["users"][user.name] = {"fullname": user.name, "roles": [role], "auth_option": login}

    # Folders

    def folder(self, text: str) -> Optional[FolderConfig]:
        """Return the folder with this path, in any spelling, or with this 32-digit ID. Return None if it is missing."""
        if is_folder_hash(text):
            return next((folder for folder in self.folders.values() if folder.ident == text.lower()), None)
        if text[:1] not in ("/", "~", "\\"):
            return None
        try:
            return self.folders.get(folder_path(text))
        except ValueError:
            return None

    def folder_at(self, text: str) -> FolderConfig:
        """Return the folder for a spelling that was checked before."""
        folder = self.folder(text)
        if folder is None:
            raise LookupError(f"no folder {text!r}")
        return folder

    def add_folder(self, path: str, title: str, attributes: Mapping[str, Any], *, user: str) -> FolderConfig:
        now, stored = self.now(), with_defaults(attributes)
        folder = self.folders[path] = FolderConfig(stored, now, now, user, path, title, uuid.uuid4().hex)
        self._inheritance = {}
        self.add_change("create-folder", f"Created new folder {title}", user)
        return folder

    def change_folder(self, folder: FolderConfig, *, user: str, **changes: Any) -> FolderConfig:
        changed = self.folders[folder.path] = self._changed(folder, changes)
        self._inheritance = {}
        self.add_change("edit-folder", f"Edited properties of folder {changed.title}", user)
        return changed

    def subfolders(self, path: str, *, recursive: bool) -> Iterator[FolderConfig]:
        """Yield the folders directly below a path, or all folders below it if ``recursive``."""
        prefix = path.rstrip("/") + "/"
        for folder in list(self.folders.values()):
            below = folder.path != path and folder.path.startswith(prefix)
            if below and (recursive or parent_folder(folder.path) == path):
                yield folder

    def hosts_in(self, path: str, *, recursive: bool = False) -> list[HostConfig]:
        prefix = path.rstrip("/") + "/"
        return [
            host
            for host in list(self.hosts.values())
            if host.folder == path or (recursive and host.folder.startswith(prefix))
        ]

    def is_empty(self, path: str) -> bool:
        """Return True if a folder contains no hosts, folders or rules."""
        # The rules: Checkmk, tests/unit/cmk/gui/openapi/test_openapi_folder_config.py (delete_folder_with_rules)
        return not (self.hosts_in(path) or any(self.subfolders(path, recursive=False)) or self._rules_in(path))

    def remove_folder(self, path: str, *, user: str) -> None:
        """Remove a folder with all hosts, folders and rules in it."""
        for host in self.hosts_in(path, recursive=True):
            del self.hosts[host.name]
            self.service_phases.pop(host.name, None)
        for folder in self.subfolders(path, recursive=True):
            del self.folders[folder.path]
        for key, _ in self._rules_in(path):
            del self.objects["rules"][key]
        title = self.folders.pop(path).title
        self.add_change("delete-folder", f"Deleted folder {title}", user)

    def move_folder(self, path: str, target: str, *, user: str) -> FolderConfig:
        """Move a folder with all hosts, folders and rules in it into ``target``."""
        new = f"{target.rstrip('/')}/{self.folders[path].name}"
        for folder in [self.folders[path], *self.subfolders(path, recursive=True)]:
            del self.folders[folder.path]
            moved = dataclasses.replace(folder, path=new + folder.path[len(path) :])
            self.folders[moved.path] = moved
        for host in self.hosts_in(path, recursive=True):
            self.hosts[host.name] = dataclasses.replace(host, folder=new + host.folder[len(path) :])
        for key, rule in self._rules_in(path):
            self.objects["rules"][key] = {**rule, "folder": new + rule["folder"][len(path) :]}
        self._inheritance = {}
        self.add_change("move-folder", f"Moved folder {path} to {target}", user)
        return self.folders[new]

    def _rules_in(self, path: str) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the rules in a folder and in all folders below it. Checkmk stores rules in the folder."""
        rules = self.objects["rules"].items()
        return [(key, rule) for key, rule in rules if f"{rule['folder']}/".startswith(f"{path}/")]

    # Hosts

    def add_host(
        self, name: str, folder: str, attributes: Mapping[str, Any], *, user: str, nodes: Optional[Sequence[str]] = None
    ) -> HostConfig:
        now, stored = self.now(), with_defaults(attributes)
        host = self.hosts[name] = HostConfig(stored, now, now, user, name, folder, nodes)
        self.add_change("create-host", f"Created new host {name}.", user)
        return host

    def change_host(self, host: HostConfig, *, user: str, action: str = "edit-host", **changes: Any) -> HostConfig:
        changed = self.hosts[host.name] = self._changed(host, changes)
        self.add_change(action, f"Modified host {host.name}.", user)
        return changed

    def parents_of_remaining_hosts(self, deleted: Collection[str]) -> dict[str, list[str]]:
        """Return the hosts among ``deleted`` that must not be deleted, each with the names of its children."""
        # Checkmk: hosts inherit parents from folders, and a parent may be deleted only if its children are a proper
        # subset of the deleted hosts. So a host that is its own parent through its folder cannot be deleted alone.
        children: dict[str, list[str]] = {}
        for host in self.hosts.values():
            parents = host.attributes.get("parents")
            for parent in self._inherited(host.folder)["parents"] if parents is None else parents:
                if parent in deleted:
                    children.setdefault(parent, []).append(host.name)
        return {parent: names for parent, names in sorted(children.items()) if not set(names) < set(deleted)}

    def remove_host(self, name: str, *, user: str) -> None:
        del self.hosts[name]
        self.service_phases.pop(name, None)
        self.add_change("delete-host", f"Deleted host {name}", user)

    def rename_host(self, name: str, new: str, *, user: str) -> HostConfig:
        """Rename a host, and update its children, clusters, folders and services."""
        renamed = self.hosts[new] = dataclasses.replace(self.hosts.pop(name), name=new, updated_at=self.now())
        if name in self.service_phases:
            self.service_phases[new] = self.service_phases.pop(name)
        for host in list(self.hosts.values()):
            changes: dict[str, Any] = {}
            if name in host.attributes.get("parents", ()):
                changes["attributes"] = _renamed(host.attributes, name, new)
            if name in (host.nodes or ()):
                changes["nodes"] = [new if node == name else node for node in host.nodes or ()]
            if changes:
                self.hosts[host.name] = dataclasses.replace(host, **changes)
        for folder in list(self.folders.values()):
            if name in folder.attributes.get("parents", ()):
                self.folders[folder.path] = dataclasses.replace(
                    folder, attributes=_renamed(folder.attributes, name, new)
                )
                self._inheritance = {}
        for key, rule in self.objects["rules"].items():
            # Checkmk also renames the host in the conditions of rules.
            names = rule["conditions"].get("host_name", {"match_on": ()})
            if name in names["match_on"]:
                named = {**names, "match_on": [new if host == name else host for host in names["match_on"]]}
                self.objects["rules"][key] = {**rule, "conditions": {**rule["conditions"], "host_name": named}}
        self.add_change("rename-host", f"Renamed 1 hosts: {name} to {new}", user)
        return renamed

    def effective(self, host: HostConfig) -> dict[str, Any]:
        """Return the effective attributes of a host, merged from the defaults, its folders and the host itself."""
        inherited = self._inherited(host.folder)
        # Labels are merged, all other attributes are replaced.
        labels = {**inherited["labels"], **host.attributes.get("labels", {})}
        return {**inherited, **host.attributes, "labels": labels}

    def is_offline(self, host: HostConfig) -> bool:
        own = host.attributes.get("tag_criticality")
        return bool((own or self._inherited(host.folder).get("tag_criticality")) == "offline")

    def _inherited(self, path: str) -> Mapping[str, Any]:
        """Return the attributes that hosts inherit from a folder."""
        known = self._inheritance  # a long list is sent without the mutex, so a change may replace the attribute
        if path not in known:
            above = parent_folder(path)
            base = self.rules.defaults if above is None else self._inherited(above)
            own = self.folders[path].attributes
            known[path] = {**base, **own, "labels": {**base["labels"], **own.get("labels", {})}}
        return known[path]

    def add_change(self, action: str, text: str, user: Optional[str]) -> None:
        """Add a pending change. Every write does this."""
        change = {"id": str(uuid.uuid4()), "user_id": user, "action_name": action, "text": text, "time": self.now()}
        self.changes.append(change)

    def _changed(self, config: C, changes: dict[str, Any]) -> C:
        if "attributes" in changes:
            changes["attributes"] = with_defaults(changes["attributes"])
        return dataclasses.replace(config, updated_at=self.now(), **changes)


def _renamed(attributes: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """Return the attributes with the parent ``old`` renamed to ``new``."""
    return {**attributes, "parents": [new if parent == old else parent for parent in attributes["parents"]]}


def etag(*parts: Any) -> str:
    """Return an ETag, which is the quoted SHA-256 of the parts that identify a state."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return f'"{hashlib.sha256(text.encode()).hexdigest()}"'
