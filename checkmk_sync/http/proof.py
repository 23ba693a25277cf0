"""Whether an answer proves that the site has executed a call."""

from __future__ import annotations

from typing import Any, Iterable, Optional

from ..catalogue.paths import path_segment
from ..core.call import Call, ExpectedReply, Reply

__all__ = ["lack_of_proof"]


def lack_of_proof(call: Call, reply: Reply, location: str) -> str:
    """Return why an answer below 400 does not prove the call; empty if it does.

    ``location`` is where a redirect leads, below the API. A read needs no proof but what it says.
    """
    if not call.expected:
        return ""
    answer = _matching_answer(call, reply.status, location)
    if answer is None:
        problem = "the API does not define it"
    elif answer.location:
        problem = ""  # where it leads is proof enough
    elif answer.domain_type is None:
        # Checkmk: endpoints send this header with every answer (2.2 and later); an empty answer has nothing else that
        # a web server in front of the site would not send as well.
        problem = "" if reply.headers.get("X-Checkmk-Version") else "it does not come from a Checkmk endpoint"
    else:
        problem = _body_problem(answer, reply.data, call.object_names)
    return problem and f"the answer to {call} ({reply.status}) does not prove that it was executed: {problem}"


def _matching_answer(call: Call, status: int, location: str) -> Optional[ExpectedReply]:
    name = path_segment(call.object_names[0]) if call.object_names else ""
    for answer in call.expected:
        if answer.status == status and location.startswith(answer.location.format(name=name)):
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
    """Return the texts at ``path``, through lists; folders without the last slash that old versions sent."""
    if isinstance(data, list):
        return [name for entry in data for name in _names_at(entry, path)]
    if path:
        return _names_at(data.get(path[0]), path[1:]) if isinstance(data, dict) else []
    return [data.rstrip("/") or "/"] if isinstance(data, str) else []
