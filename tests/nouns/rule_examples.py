"""Rules for tests."""

from __future__ import annotations

from typing import Any

from checkmk_sync import Rule
from checkmk_sync.client.nouns import Rules

__all__ = ["FILESYSTEM", "LEVELS", "LINUX", "create_rule", "host_name", "rule_ids"]

FILESYSTEM = "checkgroup_parameters:filesystem"
LEVELS = {"levels": (80.0, 90.0)}
LINUX = {"host_label_groups": [{"operator": "and", "label_group": [{"operator": "and", "label": "os:linux"}]}]}


def create_rule(rules: Rules, value: Any = LEVELS, ruleset: str = FILESYSTEM, folder: str = "/", **more: Any) -> Rule:
    return rules.create(ruleset=ruleset, folder=folder, value=value, **more)


def host_name(operator: str, *names: str) -> dict[str, Any]:
    return {"host_name": {"match_on": list(names), "operator": operator}}


def rule_ids(rules: Rules, ruleset: str = FILESYSTEM) -> list[Any]:
    return [rule.id for rule in rules.each(ruleset=ruleset)]
