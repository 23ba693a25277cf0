"""The folders, hosts and rules that use host tags, and their repair when tags change."""

from __future__ import annotations

import dataclasses
from typing import Any, Mapping, Optional

from .configuration import Configuration

Values = Mapping[str, Any]
REMOVED: Any = object()  # in place of the new ID of a tag


class TagUses:
    """The folders, hosts and rules that use a tag group, or one of its tags ``changes`` if they are given.

    ``changes`` maps tags to their new IDs, or to REMOVED.
    """

    def __init__(self, configuration: Configuration, group: str, changes: Optional[Mapping[Any, Any]] = None) -> None:
        self._configuration, self._group, self._changes = configuration, group, changes
        self._attribute = f"tag_{group}"
        self.folders = [
            folder for folder in configuration.folders.values() if self._is_used(folder.attributes, self._attribute)
        ]
        self.hosts = [host for host in configuration.hosts.values() if self._is_used(host.attributes, self._attribute)]
        self.rules = {
            key: rule
            for key, rule in configuration.objects["rules"].items()
            if self._is_used(self._condition(rule), "value")
        }

    def __bool__(self) -> bool:
        return bool(self.folders or self.hosts or self.rules)

    def texts(self) -> list[str]:
        """Return a text for each kind of user, with the names."""
        names = {
            "folders": [folder.name for folder in self.folders],
            "hosts": [host.name for host in self.hosts],
            "rulesets": sorted({rule["ruleset"] for rule in self.rules.values()}),
        }
        return [f"{kind} ({', '.join(found)})" for kind, found in names.items() if found]

    def repair(self, *, deletes_rules: bool) -> None:
        """Change or remove the tags. ``deletes_rules`` deletes the rules that apply only to hosts with one of them."""
        configuration = self._configuration
        rules = configuration.objects["rules"]
        for folder in self.folders:
            configuration.folders[folder.path] = dataclasses.replace(
                folder, attributes=self._repaired(folder.attributes)
            )
        for host in self.hosts:
            configuration.hosts[host.name] = dataclasses.replace(host, attributes=self._repaired(host.attributes))
        for key, rule in self.rules.items():
            condition = self._condition(rule)
            # Checkmk: a rule with a negated condition stays.
            if deletes_rules and condition["operator"] not in ("is_not", "none_of"):
                del rules[key]
                continue
            others = [other for other in rule["conditions"]["host_tags"] if other is not condition]
            new = self._repaired(condition, "value")
            conditions = {**rule["conditions"], "host_tags": [*others, *([new] if "value" in new else [])]}
            rules[key] = {**rule, "conditions": conditions}

    def _condition(self, rule: Values) -> Values:
        """Return the condition of a rule on the group, or an empty mapping."""
        conditions = rule.get("conditions", {}).get("host_tags", ())
        return next((condition for condition in conditions if condition["key"] == self._group), {})

    def _is_used(self, values: Values, name: str) -> bool:
        # Checkmk: conditions with several tags stay as they are if one of the tags changes.
        changes = self._changes
        return name in values and (changes is None or (not isinstance(values[name], list) and values[name] in changes))

    def _repaired(self, values: Values, name: str = "") -> dict[str, Any]:
        name = name or self._attribute
        new = REMOVED if self._changes is None else self._changes[values[name]]
        rest = {other: value for other, value in values.items() if other != name}
        return rest if new is REMOVED else {**rest, name: new}
