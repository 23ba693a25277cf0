"""Random inventories of the same few objects of many kinds, which can follow each other at one site."""

from __future__ import annotations

import json
import random
from typing import Any

from checkmk_sync.testing import SimulatedSite
from tests.sync.weekly import state_of

# The sections whose objects have no mark of an owner. They are deleted only if an entry says so.
UNMARKED = ("aux_tags", "contact_groups", "host_groups", "roles", "users", "tag_groups", "time_periods")
RULESETS = ("checkgroup_parameters:cpu_load", "checkgroup_parameters:filesystem")
_DAY = [{"start": "08:00", "end": "17:00"}]
Inventory = dict[str, list[dict[str, Any]]]


def random_inventory(seed: int) -> Inventory:
    """Return an inventory in which every object gives all properties, so that one inventory replaces another."""
    return _Draw(random.Random(seed)).inventory()


class _Draw:
    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._aux_tags, self._groups, self._roles = self._some("aux", 3), self._some("group", 3), self._some("role", 2)
        self._tags = {group: self._random_tags(group) for group in self._some("use", 3)}

    def _some(self, prefix: str, number: int) -> list[str]:
        return [f"{prefix}{n}" for n in range(number) if self._draw.random() < 0.75]

    def _any_of(self, names: list[str], least: int = 0) -> list[str]:
        return self._draw.sample(names, self._draw.randint(least, len(names)))

    def _random_tags(self, group: str) -> list[dict[str, Any]]:
        # Two tags can have the same title, so that a tag can have the title of one that it replaces.
        return [
            {
                "id": f"{group}-{name}",
                "title": f"{self._draw.choice('ST')}{name}",
                "aux_tags": self._any_of(self._aux_tags),
            }
            for name in self._any_of([*"abcd"], least=1)
        ]

    def _chosen_tags(self) -> dict[str, Any]:
        """Return a random tag of each group, or None."""
        return {group: self._draw.choice([None, *(tag["id"] for tag in tags)]) for group, tags in self._tags.items()}

    def _attributes(self) -> dict[str, Any]:
        return {f"tag_{group}": tag for group, tag in self._chosen_tags().items()}

    def inventory(self) -> Inventory:
        draw = self._draw
        hosts = [self._host(name) for name in self._some("host", 5)]
        folders = sorted({"/", "/f", *(host["folder"] for host in hosts)})
        rules = [self._rule(number, draw.choice(folders)) for number in range(8) if draw.random() < 0.75]
        draw.shuffle(rules)
        return {
            "aux_tags": [{"name": name, "title": name + draw.choice("xy"), "topic": "T"} for name in self._aux_tags],
            "contact_groups": [{"name": name, "alias": name + draw.choice("xy")} for name in self._groups],
            "roles": [{"name": name, "alias": name + draw.choice("xy"), "basedon": "user"} for name in self._roles],
            "tag_groups": [
                {"name": name, "title": name + draw.choice("xy"), "topic": draw.choice("xy"), "tags": tags}
                for name, tags in self._tags.items()
            ],
            "users": [self._user(name) for name in self._some("user", 3)],
            "folders": [{"path": "/f", "title": draw.choice("xy"), "attributes": self._attributes()}],
            "hosts": hosts,
            "rules": rules,
            **self._others(),
        }

    def _others(self) -> Inventory:
        periods = self._some("period", 3)
        return {
            "host_groups": [{"name": name, "alias": name + self._draw.choice("xy")} for name in self._some("hosts", 3)],
            "notification_rules": [self._notification(name) for name in self._some("notify", 3)],
            "passwords": [self._password(name) for name in self._some("password", 3)],
            "time_periods": [
                {
                    "name": name,
                    "alias": name + self._draw.choice("xy"),
                    "active_time_ranges": [{"day": self._draw.choice(["all", "monday"]), "time_ranges": _DAY}],
                    "exclude": self._any_of(periods[:number]),
                }
                for number, name in enumerate(periods)
            ],
        }

    def _notification(self, name: str) -> dict[str, Any]:
        url = {"option": "explicit", "url": f"https://{self._draw.choice('xy')}.example.com/"}
        return {
            "name": name,
            "description": self._draw.choice("xy"),
            "comment": self._draw.choice("xy"),
            "disabled": self._draw.random() < 0.5,
            "method": {
                "option": "create_notification_with_the_following_parameters",
                "plugin_params": {"plugin_name": "slack", "webhook_url": url},
            },
            "contact_selection": {"all_contacts_of_the_notified_object": {"state": "enabled"}},
            "conditions": {},
        }

    def _password(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "title": self._draw.choice("xy"),
            "comment": self._draw.choice("xy"),
            "password": "secret:people",
            "editable_by": "admin",
            "shared": sorted(self._any_of(["all", *self._groups], least=1)),
        }

    def _user(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "fullname": self._draw.choice("xy"),
            "password": "secret:people",
            "roles": sorted(self._any_of([*self._roles, "user"], least=1)),
            "contactgroups": sorted(self._any_of(self._groups)),
            "disable_login": self._draw.random() < 0.5,
        }

    def _host(self, name: str) -> dict[str, Any]:
        groups = {"groups": sorted(self._any_of(self._groups))}
        return {
            "name": name,
            "folder": self._draw.choice(["/", "/f", "/f/g", "/h"]),
            "attributes": {**self._attributes(), "contactgroups": groups, "alias": self._draw.choice("xy")},
        }

    def _rule(self, number: int, folder: str) -> dict[str, Any]:
        tags = [
            {"key": group, "operator": self._draw.choice(["is", "is_not"]), "value": tag}
            for group, tag in self._chosen_tags().items()
            if tag is not None
        ]
        return {
            "name": f"rule{number}",
            "ruleset": RULESETS[number % len(RULESETS)],
            "folder": folder,
            "value": {"levels": self._draw.choice([(1.0, 2.0), (3.0, 4.0)])},
            "conditions": {"host_tags": tags} if tags else {},
            "description": self._draw.choice("xy"),
            "comment": self._draw.choice("xy"),
            "disabled": self._draw.random() < 0.5,
        }


def following(inventory: Inventory, former: Inventory) -> Inventory:
    """Return an inventory that also deletes the objects without a mark that only the former one has."""
    gone = {section: _names(former, section) - _names(inventory, section) for section in UNMARKED}
    unset = {f"tag_{group}": None for group in gone["tag_groups"]}
    return {
        **inventory,
        **{
            section: [*inventory[section], *({"name": name, "absent": True} for name in sorted(gone[section]))]
            for section in UNMARKED
        },
        **{
            section: [{**entry, "attributes": {**entry["attributes"], **unset}} for entry in inventory[section]]
            for section in ("hosts", "folders")
        },
    }


def _names(inventory: Inventory, section: str) -> set[str]:
    return {entry["name"] for entry in inventory[section]}


def comparable_state(site: SimulatedSite) -> Any:
    """Return the configuration of a site as plain data. The API cannot change the order of notification rules."""
    state = json.loads(json.dumps(state_of(site), default=dict, sort_keys=True))
    return {**state, "notification_rules": sorted(state["notification_rules"], key=json.dumps)}
