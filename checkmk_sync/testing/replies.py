"""Answers in the format of the API: objects with links, collections and problems."""

from __future__ import annotations

import itertools
import json
from types import MappingProxyType
from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence
from urllib.parse import quote

from werkzeug.wrappers import Response

PROBLEM = "application/problem+json"
JSON = "application/json"
STREAM_FROM = 1000  # number of items per chunk; a longer list is sent in chunks


class Problem(Exception):
    """An error answer with a status of 400 or above, which ends the handling of a request."""

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
        self.status, self.has_version = status, has_version
        body = {"title": title, "status": status, "detail": detail, "fields": fields, "ext": ext}
        self.body = {name: value for name, value in body.items() if value is not None}


def bad_fields(fields: Mapping[str, Any], status: int = 400) -> Problem:
    """Return the error answer to invalid parameters or an invalid body."""
    title = "Not Found" if status == 404 else "Bad Request"
    return Problem(status, title, f"These fields have problems: {', '.join(fields)}", fields)


def parsed_json(raw: bytes) -> Any:
    """Return the decoded JSON of a body, or its text if it is not JSON."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw.decode("utf-8", "replace")


def json_response(data: Any, *, etag: Optional[str] = None) -> Response:
    response = Response(json.dumps(data), content_type=JSON)
    if etag is not None:
        response.headers["ETag"] = etag
    return response


def domain_object(
    domain_type: str,
    ident: str,
    title: str,
    links: Sequence[Mapping[str, Any]],
    extensions: Mapping[str, Any],
    members: Optional[Mapping[str, Any]] = None,
) -> dict[str, Any]:
    """Return an object in the format of the API."""
    return {
        "domainType": domain_type,
        "id": ident,
        "title": title,
        "links": links,
        "members": members or {},
        "extensions": extensions,
    }


def collection(
    domain_type: str,
    link: Mapping[str, Any],
    items: Iterable[Any],
    ident: str = "",
    extensions: Mapping[str, Any] = MappingProxyType({}),
) -> Response:
    """Return a list of objects. A long list is sent in chunks, so that it is never in memory completely."""
    head = {"id": ident or domain_type, "domainType": domain_type, "links": [link], "extensions": dict(extensions)}
    pieces = _pieces(head, iter(items))
    first = list(itertools.islice(pieces, 3))
    if len(first) < 3:
        return Response("".join(first), content_type=JSON)
    return Response((piece.encode() for piece in itertools.chain(first, pieces)), content_type=JSON)


def _pieces(head: Mapping[str, Any], items: Iterator[Any]) -> Iterator[str]:
    text, separator = f'{json.dumps(head)[:-1]}, "value": [', ""
    while True:
        batch = [json.dumps(item) for item in itertools.islice(items, STREAM_FROM)]
        if not batch:
            break
        yield text + separator + ", ".join(batch)
        text, separator = "", ", "
    yield text + "]}"


class Links:
    """Creates links in the format of the server, which are absolute and contain IDs quoted twice."""

    def __init__(self, base: str) -> None:
        self._base = base

    def link(self, rel: str, path: str, *, method: str = "GET", title: Optional[str] = None) -> dict[str, Any]:
        href = f"{self._base}{path}"
        link: dict[str, Any] = {"domainType": "link", "rel": rel, "href": href, "method": method, "type": JSON}
        if title is not None:
            link["title"] = title
        return link

    def self_(self, path: str) -> dict[str, Any]:
        return self.link("self", path)

    def of_object(self, path: str, *, deletable: bool = True) -> list[dict[str, Any]]:
        """Return the links of an object: to itself, to its update and to its deletion."""
        links = [self.self_(path), self.link("urn:org.restfulobjects:rels/update", path, method="PUT")]
        if deletable:
            links.append(self.link("urn:org.restfulobjects:rels/delete", path, method="DELETE"))
        return links

    @staticmethod
    def quoted(text: str) -> str:
        return quote(quote(text, safe=""), safe="~")
