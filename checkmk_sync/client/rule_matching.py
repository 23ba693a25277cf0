"""Computes whether a rule applies to a host or a service, from its folder and its conditions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Optional, Sequence

from ..catalogue.field import MALFORMED
from ..catalogue.nouns import Rule
from ..catalogue.paths import folder_path
from ..catalogue.rule_conditions import canonical_conditions
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
        """Return True if the rule applies. Without a service, conditions for services are ignored.

        Raises CheckmkError for a condition of an unknown form.
        """
        try:
            inside = f"{self.folder.rstrip('/')}/".startswith(f"{folder_path(rule.folder).rstrip('/')}/")
            return inside and not rule.disabled and self._fits(rule)
        except (*MALFORMED, re.error) as error:
            raise CheckmkError(f"the conditions of the rule {rule.id} cannot be evaluated: {error}") from None

    def _fits(self, rule: Rule) -> bool:
        conditions = canonical_conditions(rule.conditions or {})
        service = self.service
        return (
            _has_name(conditions.get("host_name", _ANY), self._is_host)
            and all((self.tags.get(group) in tags) is not no for group, no, tags in conditions.get("host_tags", ()))
            and _has_labels(conditions.get("host_label_groups", ()), self.labels)
            and (
                service is None
                or (
                    _has_name(conditions.get("service_description", _ANY), lambda regex: re.match(regex, service))
                    and _has_labels(conditions.get("service_label_groups", ()), self.service_labels)
                )
            )
        )

    def _is_host(self, name: str) -> object:
        # CHECKMK_API 10.14: a regular expression must match the beginning. For hosts, it starts with a tilde.
        return re.match(name[1:], self.host) if name.startswith("~") else name == self.host


_ANY = (True, ())  # not one of no names


def _has_name(condition: tuple[bool, Sequence[str]], is_name: Callable[[str], object]) -> bool:
    is_negated, names = condition
    return any(map(is_name, names)) is not is_negated


def _has_labels(groups: Sequence[tuple[str, Any]], labels: Mapping[str, str]) -> bool:
    # Checkmk (cmk/utils/rulesets/ruleset_matcher.py, matches_labels): operators apply from left to right.
    result = True
    for operator, group in groups:
        inner = True
        for inner_operator, label in group:
            key, _, value = label.partition(":")
            inner = _combined(inner, inner_operator, labels.get(key) == value)
        result = _combined(result, operator, inner)
    return result


def _combined(before: bool, operator: str, found: bool) -> bool:
    return before or found if operator == "or" else before and found is (operator == "and")
