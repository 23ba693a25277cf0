"""The conditions of rules: their forms in the versions of Checkmk, and their comparison.

Conditions for hosts are ``host_name``, ``host_tags`` and ``host_label_groups``. Conditions for services are
``service_description`` and ``service_label_groups``. Up to 2.2, sites have ``host_labels`` and ``service_labels``
instead of groups of labels.
"""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Optional, Sequence

from ..core.text import suggestion

Conditions = Mapping[str, Any]

_NAMES, _LABELS = ("host_name", "service_description"), ("host_labels", "service_labels")
_GROUPS = ("host_label_groups", "service_label_groups")
_KNOWN = (*_NAMES, "host_tags", *_GROUPS, *_LABELS)
_IS_NEGATED = {"is": False, "one_of": False, "is_not": True, "none_of": True}


def with_label_groups(conditions: Conditions) -> dict[str, Any]:
    """Return conditions in the form of Checkmk 2.3 and later, without empty lists."""
    found = {name: value for name, value in conditions.items() if name not in _LABELS and value not in ([], (), None)}
    for old, new in zip(_LABELS, _GROUPS):
        if conditions.get(old):
            if new in found:
                raise ValueError(f"give {new} or {old}, not both")
            found[new] = [{"operator": "and", "label_group": list(map(_to_group_entry, conditions[old]))}]
    return found


def _is_negated(operator: str) -> bool:
    if operator not in _IS_NEGATED:
        raise ValueError(f"unknown operator {operator!r}{suggestion(str(operator), tuple(_IS_NEGATED))}")
    return _IS_NEGATED[operator]


def _to_group_entry(label: Mapping[str, str]) -> dict[str, str]:
    operator = "not" if _is_negated(label.get("operator", "is")) else "and"
    return {"operator": operator, "label": f"{label['key']}:{label['value']}"}


def known_conditions(conditions: Conditions) -> dict[str, Any]:
    """Return conditions as :func:`with_label_groups` does. Raises ValueError for an unknown condition."""
    unknown = next((name for name in conditions if name not in _KNOWN), None)
    if unknown is not None:
        raise ValueError(f"unknown condition {unknown!r}{suggestion(unknown, _KNOWN)}")
    return with_label_groups(conditions)


def with_labels(conditions: Conditions) -> dict[str, Any]:
    """Return conditions in the form of Checkmk 2.2. Raises ValueError if that version cannot express them."""
    found = known_conditions(conditions)
    for old, new in zip(_LABELS, _GROUPS):
        labels = _conjunction(found.pop(new, ()))
        if labels is None:
            raise ValueError(
                f"{new} must not contain 'or' or negate several labels, because Checkmk 2.2 cannot express that"
            )
        if labels:
            found[old] = [_to_label(operator, *label.partition(":")) for operator, label in labels]
    return found


def _to_label(operator: str, key: str, _colon: str, value: str) -> dict[str, str]:
    return {"key": key, "operator": "is_not" if operator == "not" else "is", "value": value}


def canonical_conditions(conditions: Conditions) -> dict[str, Any]:
    """Return conditions in the form in which conditions with the same meaning are equal.

    Names become ``(is_negated, names)``, tags ``[(group, is_negated, tags)]``, and labels
    ``[(operator, [(operator, label)])]``.
    """
    found = known_conditions(conditions)
    for name in found:
        if name in _NAMES:
            found[name] = (_is_negated(found[name]["operator"]), sorted(set(found[name]["match_on"])))
        elif name in _GROUPS:
            labels = _conjunction(found[name])
            found[name] = _label_groups(found[name]) if labels is None else [("and", sorted(set(labels)))]
        else:
            found[name] = sorted(map(_canonical_tag, found[name]))
    return found


def _canonical_tag(tag: Mapping[str, Any]) -> tuple[str, bool, list[str]]:
    value = tag["value"]
    return tag["key"], _is_negated(tag["operator"]), sorted({value} if isinstance(value, str) else set(value))


def _label_groups(groups: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (operator, [(inner, entry["label"]) for inner, entry in _with_operators(group["label_group"])])
        for operator, group in _with_operators(groups)
    ]


def _with_operators(entries: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield labels, or groups of labels, with the operators that connect them to the ones before."""
    for index, entry in enumerate(entries):
        operator = entry.get("operator", "and")
        if operator not in ("and", "or", "not"):
            raise ValueError(f"unknown operator {operator!r}")
        # The official documents: it makes no difference whether the first operator is "and" or "or".
        yield "and" if index == 0 and operator == "or" else operator, entry


def _conjunction(groups: Sequence[Mapping[str, Any]]) -> Optional[list[tuple[str, str]]]:
    """Return the labels that must be present ("and") or absent ("not").

    Return None if the groups contain an "or", or negate several labels together.
    """
    found: list[tuple[str, str]] = []
    for operator, labels in _label_groups(groups):
        if operator == "and" and all(inner != "or" for inner, _ in labels):
            found += labels
        elif operator == "not" and len(labels) == 1:
            found.append(("and" if labels[0][0] == "not" else "not", labels[0][1]))
        else:
            return None
    return found


def conditions_problem(conditions: Conditions, ruleset: Any) -> Optional[str]:
    """Return which of the conditions the ruleset does not have, so that sites drop it silently; None if it has all."""
    # The source is the same as for the simulated site: cmk/gui/openapi/endpoints/rule.
    is_for_hosts = ruleset.match_type is not None and ruleset.item_type is None  # neither is in the documents
    for name in with_label_groups(conditions):
        kind, _, part = name.partition("_")
        is_own_label = part == "label_groups" and ruleset.name == f"{kind}_label_rules"
        if is_own_label or (is_for_hosts and kind == "service"):
            return f"the ruleset {ruleset.name!r} does not have the condition {name!r}, and the site would drop it"
    return None
