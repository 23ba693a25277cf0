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
    rulesets: int
    rules: int
    hosts: int


SMALL = Sizes(tag_groups=2, users=4, rulesets=2, rules=18, hosts=6)
LARGE = Sizes(tag_groups=20, users=30, rulesets=10, rules=200, hosts=1000)
RULESETS: Mapping[str, Any] = {
    "active_checks:icmp": {"description": "PING", "min_pings": 2},
    "checkgroup_parameters:cpu_load": {"levels": (5.0, 10.0)},
    "checkgroup_parameters:filesystem": {"levels": (80.0, 90.0), "magic": 0.8},
    "checkgroup_parameters:ps": {"levels": (1, 1, 99, 199)},
    "extra_host_conf:check_interval": 2.5,
    "extra_service_conf:max_check_attempts": 3,
    "host_contactgroups": "team1",
    "ignored_services": True,
    "service_contactgroups": "team2",
    "snmp_communities": "public",
}


def weekly_inventory(sizes: Sizes) -> dict[str, Any]:
    """Return an inventory whose objects refer to each other, in an order in which they cannot be created."""
    return {
        "rules": [_rule(number, sizes) for number in range(sizes.rules)],
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


def _rule(number: int, sizes: Sizes) -> Mapping[str, Any]:
    ruleset = list(RULESETS)[number % sizes.rulesets]
    group = number % sizes.tag_groups
    conditions: dict[str, Any] = {
        "host_tags": [{"key": f"group{group}", "operator": "is", "value": f"tag{group}-{number % 4}"}],
        "host_name": {"match_on": [f"h{number:04d}", "~h00"], "operator": "one_of"},
    }
    if number % 3 == 0:
        labels = [{"operator": "and", "label": "env:prod"}]
        conditions["host_label_groups"] = [{"operator": "and", "label_group": labels}]
    return {
        "name": f"rule{number:03d}",
        "ruleset": ruleset,
        "folder": ("/", "/f0", "/f1")[number % 3],
        "value": RULESETS[ruleset],
        "conditions": conditions,
        "description": f"Rule {number}",
        "comment": "Ask Carol" if number % 2 else None,
        "disabled": number % 7 == 0,
    }


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
            noun: sorted(objects.values(), key=_list) if NOUNS[noun].key.assigned else objects
            for noun, objects in configuration.objects.items()
        },
    }


def _list(values: Mapping[str, Any]) -> tuple[str, str]:
    """Return the ruleset and the folder of a rule. Only the order of rules with the same ones matters."""
    return values.get("ruleset", ""), values.get("folder", "")
