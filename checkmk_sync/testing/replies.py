"""Answers in the shapes of the API: objects with links, collections, problems."""

from __future__ import annotations

import itertools
import json
from typing import Any, Iterable, Iterator, Mapping, Optional
from urllib.parse import quote

from werkzeug.wrappers import Response

__all__ = [
    "Links",
    "Problem",
    "bad_fields",
    "collection",
    "json_response",
    "missing",
    "parsed_json",
    "problem_response",
]

PROBLEM = "application/problem+json"
JSON = "application/json"
STREAM_FROM = 1000  # items from which a list is sent in chunks instead of being built as a whole


class Problem(Exception):
    """A refusal: ends the handling of a request with an answer of 400 and above."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: Optional[str] = None,
        fields: Optional[Mapping[str, Any]] = None,
        ext: Optional[Mapping[str, Any]] = None,
        has_version: bool = True,
    ) -> None:
        super().__init__(title)
        self.body: dict[str, Any] = {"title": title, "status": status}
        self.status, self.has_version = status, has_version
        if detail is not None:
            self.body["detail"] = detail
        if fields is not None:
            self.body["fields"] = fields
        if ext is not None:
            self.body["ext"] = ext


def bad_fields(fields: Mapping[str, Any], status: int = 400) -> Problem:
    """The refusal of parameters or a body that do not validate."""
    title = {400: "Bad Request", 404: "Not Found"}[status]
    return Problem(status, title, f"These fields have problems: {', '.join(fields)}", fields)


def missing(parameter: str, what: str, name: str) -> Problem:
    """404 for a path parameter that names nothing."""
    return bad_fields({parameter: [f"{what} not found: {name!r}"]}, status=404)


def parsed_json(raw: bytes) -> Any:
    """The value in a body; its text where it is no JSON."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw.decode("utf-8", "replace")


def problem_response(problem: Problem) -> Response:
    return Response(json.dumps(problem.body), status=problem.status, content_type=PROBLEM)


def json_response(data: Any, *, etag: Optional[str] = None, status: int = 200) -> Response:
    response = Response(json.dumps(data), status=status, content_type=JSON)
    if etag is not None:
        response.headers["ETag"] = etag
    return response


def collection(head: Mapping[str, Any], items: Iterable[Any]) -> Response:
    """``head`` with the items as ``value``; long ones leave in pieces, so that none is held as a whole."""
    pieces = _pieces(head, iter(items))
    first: list[str] = []
    for piece in pieces:
        first.append(piece)
        if len(first) > 2:
            return Response(_all(first, pieces), content_type=JSON)
    return Response("".join(first), content_type=JSON)


def _all(first: list[str], rest: Iterator[str]) -> Iterator[bytes]:
    for piece in first:
        yield piece.encode()
    for piece in rest:
        yield piece.encode()


def _pieces(head: Mapping[str, Any], items: Iterator[Any]) -> Iterator[str]:
    start = json.dumps(head)
    text = f'{start[:-1]}{", " if head else ""}"value": ['
    separator = ""
    while True:
        some = [json.dumps(item) for item in itertools.islice(items, STREAM_FROM)]
        if not some:
            break
        yield text + separator + ", ".join(some)
        text, separator = "", ", "
    yield text + "]}"


class Links:
    """Links as the server writes them: absolute, with ids quoted twice."""

    def __init__(self, base: str) -> None:
        self._base = base

    def link(
        self,
        rel: str,
        path: str,
        *,
        method: str = "GET",
        title: Optional[str] = None,
        body_params: Optional[Mapping[str, Any]] = None,
    ) -> dict[str, Any]:
        found: dict[str, Any] = {
            "domainType": "link",
            "rel": rel,
            "href": f"{self._base}{path}",
            "method": method,
            "type": JSON,
        }
        if title is not None:
            found["title"] = title
        if body_params is not None:
            found["body_params"] = dict(body_params)
        return found

    def self_(self, path: str) -> dict[str, Any]:
        return self.link("self", path)

    def of_object(self, path: str, *, deletable: bool = True) -> list[dict[str, Any]]:
        """self, update and delete."""
        links = [self.self_(path), self.link("urn:org.restfulobjects:rels/update", path, method="PUT")]
        if deletable:
            links.append(self.link("urn:org.restfulobjects:rels/delete", path, method="DELETE"))
        return links

    @staticmethod
    def quoted(text: str) -> str:
        return quote(quote(text, safe=""), safe="~")
