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


def with_label_groups(conditions: Conditions) -> dict[str, Any]:
    """Return conditions in the form of Checkmk 2.3 and later, without empty lists.

    Raises ValueError for an unknown condition, and for labels in both forms.
    """
    unknown = next((name for name in conditions if name not in _KNOWN), None)
    if unknown is not None:
        raise ValueError(f"unknown condition {unknown!r}{suggestion(unknown, _KNOWN)}")
    found = {name: value for name, value in conditions.items() if name not in _LABELS and value not in ([], (), None)}
    for old, new in zip(_LABELS, _GROUPS):
        if conditions.get(old):
            if new in found:
                raise ValueError(f"give {new} or {old}, not both")
            found[new] = [{"operator": "and", "label_group": [_to_group_entry(label) for label in conditions[old]]}]
    return found


def _to_group_entry(label: Mapping[str, str]) -> dict[str, str]:
    operator = "not" if label.get("operator", "is") == "is_not" else "and"
    return {"operator": operator, "label": f"{label['key']}:{label['value']}"}


def with_labels(conditions: Conditions) -> dict[str, Any]:
    """Return conditions in the form of Checkmk 2.2. Raises ValueError if that version cannot express them."""
    found = with_label_groups(conditions)
    for old, new in zip(_LABELS, _GROUPS):
        if new in found:
            labels = _conjunction(found.pop(new))
            if labels is None:
                raise ValueError(
                    f"{new} must not contain 'or' or negate several labels, because Checkmk 2.2 cannot express that"
                )
            found[old] = [
                dict(zip(("key", "operator", "value"), (key, "is_not" if negated else "is", value)))
                for negated, (key, _, value) in ((negated, label.partition(":")) for negated, label in labels)
            ]
    return found


def canonical_conditions(conditions: Conditions) -> dict[str, Any]:
    """Return conditions in the form in which conditions with the same meaning are equal."""
    found = with_label_groups(conditions)
    result: dict[str, Any] = {}
    for name in _NAMES:
        if name in found:
            entry = found[name]
            result[name] = (_is_negated(entry["operator"]), sorted(set(entry["match_on"])))
    if "host_tags" in found:
        result["host_tags"] = sorted(_canonical_tag(tag) for tag in found["host_tags"])
    for name in _GROUPS:
        if name in found:
            labels = _conjunction(found[name])
            result[name] = _with_defaults(found[name]) if labels is None else sorted(set(labels))
    return result


def _is_negated(operator: str) -> bool:
    return {"is": False, "one_of": False, "is_not": True, "none_of": True}[operator]


def _canonical_tag(tag: Mapping[str, Any]) -> tuple[str, bool, list[str]]:
    value = tag["value"]
    return tag["key"], _is_negated(tag["operator"]), sorted([value] if isinstance(value, str) else value)


def _with_defaults(groups: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return groups of labels as pairs of operators and labels, with the default operators."""
    return [
        (operator, [(inner, entry["label"]) for inner, entry in with_operators(group["label_group"])])
        for operator, group in with_operators(groups)
    ]


def with_operators(entries: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield labels, or groups of labels, with the operators that connect them to the ones before."""
    for index, entry in enumerate(entries):
        operator = entry.get("operator", "and")
        # The official documents: it makes no difference whether the first operator is "and" or "or".
        yield "and" if index == 0 and operator == "or" else operator, entry


def _conjunction(groups: Sequence[Mapping[str, Any]]) -> Optional[list[tuple[bool, str]]]:
    """Return the labels that must be present, or absent if the first value of a pair is True.

    Return None if the groups contain an "or", or negate several labels together.
    """
    found: list[tuple[bool, str]] = []
    for operator, labels in _with_defaults(groups):
        if operator == "and" and all(inner in ("and", "not") for inner, _ in labels):
            found += [(inner == "not", label) for inner, label in labels]
        elif operator == "not" and len(labels) == 1:
            found.append((labels[0][0] != "not", labels[0][1]))
        else:
            return None
    return found
