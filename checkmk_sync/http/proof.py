"""Check whether an answer proves that the site has executed a call."""

from __future__ import annotations

from typing import Any, Iterable, Optional

from ..catalogue.paths import path_segment
from ..core.call import JSON, Call, ExpectedReply, Reply

_FOREIGN = "does not come from a Checkmk endpoint"


def lack_of_proof(call: Call, reply: Reply, location: str) -> str:
    """Return why an answer with a status below 400 does not prove that the call was executed, or "" if it does.

    ``location`` is the target of a redirect, relative to the base URL of the API.
    """
    if call.is_raw or call.accept != JSON:
        # The body proves nothing, because its format is unknown and it can be a file.
        return "" if is_from_endpoint(reply) else f"the answer to {call} ({reply.status}) {_FOREIGN}"
    if not call.expected:  # a read, which needs no proof
        return ""
    answer = _matching_answer(call, reply.status, location)
    if answer is None:
        problem = "the API does not define this answer"
    elif answer.location:
        problem = ""  # the target of the redirect is the proof
    elif answer.domain_type is None:
        problem = "" if is_from_endpoint(reply) else f"it {_FOREIGN}"
    else:
        problem = _body_problem(answer, reply.data, call.object_names)
    return (
        problem and f"the answer to {call} ({reply.status}) does not prove that the site executed the call: {problem}"
    )


def is_from_endpoint(reply: Reply) -> bool:
    """Return True if an endpoint of Checkmk sent the answer, and not a web server in front of the site."""
    # Checkmk: endpoints send this header with every answer (2.2 and later).
    return bool(reply.headers.get("X-Checkmk-Version"))


def _matching_answer(call: Call, status: int, location: str) -> Optional[ExpectedReply]:
    for answer in call.expected:
        # Without the name of the object, only the part before it can be compared.
        before, name, after = answer.location.partition("{name}")
        start = f"{before}{path_segment(call.object_names[0])}{after}" if name and call.object_names else before
        if answer.status == status and location.startswith(start):
            return answer
    return None


def _body_problem(answer: ExpectedReply, data: Any, object_names: Iterable[str]) -> str:
    if not isinstance(data, dict) or data.get("domainType") != answer.domain_type:
        return f"it is not about a {answer.domain_type}"
    wanted = set(object_names)
    if answer.names and wanted and set(_names_at(data, answer.names)) != wanted:
        return "it is about another object"
    return ""


def _names_at(data: Any, path: tuple[str, ...]) -> list[str]:
    """Return the strings at ``path``. A list on the way contributes the strings of all its items."""
    if isinstance(data, list):
        return [name for entry in data for name in _names_at(entry, path)]
    if path:
        return _names_at(data.get(path[0]), path[1:]) if isinstance(data, dict) else []
    # Old versions of Checkmk end folders with a slash.
    return [data.rstrip("/") or "/"] if isinstance(data, str) else []
