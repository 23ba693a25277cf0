"""Computes whether a rule applies to a host or a service, from its folder and its conditions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Sequence

from ..catalogue.nouns import Rule
from ..catalogue.rule_conditions import with_operators
from ..errors import CheckmkError


@dataclass(frozen=True)
class RuleTarget:
    """A host or one of its services, with the facts to which conditions refer.

    ``tags`` are the tags of the host by group; an auxiliary tag has its own ID as the group.
    """

    host: str
    folder: str
    tags: Mapping[str, str]
    labels: Mapping[str, str]
    service: Optional[str] = None
    service_labels: Mapping[str, str] = field(default_factory=dict)

    def fits(self, rule: Rule) -> bool:
        """Return True if the rule applies. Without a service, conditions for services are ignored."""
        conditions = rule.conditions or {}
        if rule.disabled or not f"{self.folder.rstrip('/')}/".startswith(f"{rule.folder.rstrip('/')}/"):
            return False
        return (
            _has_name(conditions.get("host_name"), self.host, is_regex=False)
            and all(self._has_tag(tag) for tag in conditions.get("host_tags", ()))
            and _has_labels(conditions.get("host_label_groups", ()), self.labels)
            and (self.service is None or self._fits_service(conditions, self.service))
        )

    def _fits_service(self, conditions: Mapping[str, Any], service: str) -> bool:
        return _has_name(conditions.get("service_description"), service, is_regex=True) and _has_labels(
            conditions.get("service_label_groups", ()), self.service_labels
        )

    def _has_tag(self, condition: Mapping[str, Any]) -> bool:
        tag, value = self.tags.get(condition["key"]), condition["value"]
        found = tag in ([value] if isinstance(value, str) else value)
        return found is (condition["operator"] in ("is", "one_of"))


def _has_name(condition: Optional[Mapping[str, Any]], name: str, *, is_regex: bool) -> bool:
    if condition is None:
        return True
    found = any(_fits_pattern(pattern, name, is_regex) for pattern in condition["match_on"])
    return found is (condition["operator"] == "one_of")


def _fits_pattern(pattern: str, name: str, is_regex: bool) -> bool:
    # CHECKMK_API 10.14: a regular expression must match the beginning. For hosts, it starts with a tilde.
    if not is_regex and not pattern.startswith("~"):
        return name == pattern
    try:
        return re.match(pattern.removeprefix("" if is_regex else "~"), name) is not None
    except re.error as error:
        raise CheckmkError(f"a rule has the invalid regular expression {pattern!r}: {error}") from None


def _has_labels(groups: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> bool:
    # Checkmk (cmk/utils/rulesets/ruleset_matcher.py, matches_labels): operators apply from left to right.
    result = True
    for operator, group in with_operators(groups):
        inner = True
        for inner_operator, entry in with_operators(group["label_group"]):
            key, _, value = entry["label"].partition(":")
            inner = _combined(inner, inner_operator, labels.get(key) == value)
        result = _combined(result, operator, inner)
    return result


def _combined(before: bool, operator: str, found: bool) -> bool:
    return before or found if operator == "or" else before and found is (operator == "and")
