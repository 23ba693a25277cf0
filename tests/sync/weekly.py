"""An inventory of the configuration that people change every week: tags, roles, users and hosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

from checkmk_sync.catalogue.nouns import NOUNS
from checkmk_sync.config.secrets import SecretSource
from checkmk_sync.testing import SimulatedSite

PASSWORDS = {"people": "correct-horse-battery", "robots": "a-secret-of-robots"}
SECRETS = {name: SecretSource(value=password) for name, password in PASSWORDS.items()}


@dataclass(frozen=True)
class Sizes:
    """The numbers of objects."""

    tag_groups: int
    users: int
    hosts: int


SMALL, LARGE = Sizes(2, 4, 6), Sizes(20, 30, 1000)


def weekly_inventory(sizes: Sizes) -> dict[str, Any]:
    """Return an inventory whose objects refer to each other, in an order in which they cannot be created."""
    return {
        "hosts": [_host(number, sizes) for number in range(sizes.hosts)],
        "folders": [
            {"path": f"/f{number}", "title": f"Folder {number}", "attributes": {"tag_group0": "tag0-1"}}
            for number in range(3)
        ],
        "users": [_user(number) for number in range(sizes.users)],
        "roles": [
            {"name": f"role{number}", "alias": f"Role {number}", "basedon": "user", "permissions": {"wato.edit": state}}
            for number, state in enumerate(("yes", "no"))
        ],
        "contact_groups": [{"name": f"team{number}", "alias": f"Team {number}"} for number in range(3)],
        "tag_groups": [_tag_group(number) for number in range(sizes.tag_groups)],
        "aux_tags": [{"name": f"aux{number}", "title": f"Aux {number}", "topic": "Weekly"} for number in range(3)],
    }


def _host(number: int, sizes: Sizes) -> Mapping[str, Any]:
    group, team = number % sizes.tag_groups, number % 3
    attributes = {
        "ipaddress": f"10.0.{number // 250}.{number % 250}",
        f"tag_group{group}": f"tag{group}-{number % 4}",
        "contactgroups": {"groups": [f"team{team}"]},
    }
    folder = f"/f{number % 3}/g{number % 7}"
    return {"name": f"h{number:04d}", "folder": folder, "attributes": attributes, "labels": {"env": "prod"}}


def _user(number: int) -> Mapping[str, Any]:
    is_robot = number % 5 == 0
    login = {"auth_type": "automation", "password": "secret:robots"} if is_robot else {"password": "secret:people"}
    return {
        "name": f"user{number:02d}",
        "fullname": f"User {number}",
        **login,
        "roles": [f"role{number % 2}"],
        "contactgroups": [f"team{number % 3}", f"team{(number + 1) % 3}"],
        "contact_options": {"email": f"user{number}@example.com", "fallback_contact": number % 2 == 0},
        "disable_notifications": {"disable": number % 3 == 0},
        "language": "de",
    }


def _tag_group(number: int) -> Mapping[str, Any]:
    tags = [
        {"id": f"tag{number}-{tag}", "title": f"Tag {tag}", "aux_tags": [f"aux{tag % 3}"] if tag else []}
        for tag in range(4)
    ]
    return {"name": f"group{number}", "title": f"Group {number}", "topic": "Weekly", "tags": tags}


def state_of(site: SimulatedSite) -> dict[str, Any]:
    """Return the configuration of a site, without ids and times that differ between equal sites."""
    configuration = site.state.configuration
    return {
        "hosts": {host.name: (host.folder, host.attributes) for host in configuration.hosts.values()},
        "folders": {folder.path: (folder.title, folder.attributes) for folder in configuration.folders.values()},
        "services": configuration.service_phases,
        **{
            noun: list(objects.values()) if NOUNS[noun].key.assigned else objects
            for noun, objects in configuration.objects.items()
        },
    }
