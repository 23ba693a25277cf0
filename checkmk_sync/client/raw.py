"""General calls: any operation of the catalogue, and any URL below the API."""

from __future__ import annotations

from typing import Any, Collection, Iterable, Mapping, Optional

from ..catalogue.nouns import NOUNS
from ..catalogue.operation import ANY_FIELD, Operation
from ..catalogue.operations import NOUN_NAMES, OPERATIONS, operations_named
from ..catalogue.paths import api_path
from ..core.arguments import require_json, require_string, require_type
from ..core.call import ANY, RAW_METHODS, Call, CallKind, Reply, require_etag
from ..core.text import close_matches, suggestion
from ..errors import CheckmkError
from .object_format import noun_format
from .resource import writes
from .site import Site, query_pairs

Parameters = Mapping[str, Any]


class RawCalls:
    """The methods of a client that perform any operation."""

    _site: Site

    def call(
        self,
        operation: str,
        *,
        path: Optional[Mapping[str, str]] = None,
        query: Optional[Mapping[str, Any]] = None,
        body: Optional[Mapping[str, Any]] = None,
        etag: Optional[str] = None,
        fresh: bool = False,
    ) -> Reply:
        """Perform any operation of ``checkmk_sync.catalogue.OPERATIONS`` and return the site's answer.

        >>> cmk.call("hosts.get", path={"name": "web01"}, query={"effective_attributes": True}).data

        ``path``, ``query`` and ``body`` use the names of the API. If the operation needs an ETag and ``etag`` is None,
        the client reads the current one. ``fresh`` bypasses the cache. A write whose answer was lost is not settled by
        reading: ``error.attempted.is_uncertain`` is True.

        Raises ValueError, before anything is sent, for an unknown operation, and for an unknown or missing parameter.
        """
        rows = _rows(operation)
        path, query = _mapping(path, "path"), _mapping(query, "query")
        # Site.perform() refuses names that only the rows for other versions accept.
        _refuse_unknown(operation, "query parameter", query, {name for row in rows for name in row.query})
        body_fields = {name for row in rows for name in row.body}
        if body is not None or body_fields:
            # Checkmk: an operation with a body refuses a request without one, even if all fields are optional.
            body = require_json(_mapping(body, "body"), "the body")
            if ANY_FIELD not in body_fields:
                _refuse_unknown(operation, "body field", body, body_fields)
        _check_path_parameters(operation, path, rows[0].path_parameters)
        rows[0].url(path)  # raises ValueError for a value that cannot be part of a path
        if etag is not None and not any(row.if_match for row in rows):
            raise ValueError(f"{operation} does not accept an ETag; leave out etag")
        if rows[0].is_read:
            return self._site.perform(rows[0].noun, rows[0].verb, path=path, query=query, body=body, fresh=fresh)
        return _write(self._site, rows[0], path, query, body, etag)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        body: Any = None,
        etag: Optional[str] = None,
    ) -> Reply:
        """Send a request to any path below the API, and return the site's answer.

        >>> cmk.request("GET", "/objects/host_config/web01").data

        ``body`` is sent as JSON, and ``etag`` as ``If-Match``. GET is a read, which does not use the cache. All other
        methods are writes: they are never repeated, and invalidate all cached answers. A lost answer raises an error
        for which ``error.attempted.is_uncertain`` is True. Raises ValueError if ``path`` could lead out of the API.
        """
        verb = require_string(method, "the method").upper()
        if verb not in RAW_METHODS:
            raise ValueError(f"unknown method {method!r}; use one of {', '.join(RAW_METHODS)}")
        if verb == "GET" and body is not None:
            # CHECKMK_API 4: Checkmk 2.5 refuses it.
            raise ValueError("a GET request must not have a body; use query for parameters")
        parameters = {name: value for name, value in _mapping(query, "query").items() if value is not None}
        call = Call(
            method=verb,
            path=api_path(path),
            # POLL is read without the cache. BULK has the longest timeout, because the operation may be slow.
            kind=CallKind.POLL if verb == "GET" else CallKind.BULK,
            noun="request",
            verb=verb.lower(),
            query=query_pairs(parameters),
            body=require_json(body, "the body"),
            etag=None if etag is None else require_etag(etag),
            accept=ANY,
            is_raw=True,
        )
        return self._site.transport.perform(call)


@writes
def _write(
    site: Site,
    operation: Operation,
    path: Mapping[str, str],
    query: Parameters,
    body: Optional[Parameters],
    etag: Optional[str],
) -> Reply:
    row = site.operation(operation.noun, operation.verb)
    if row is not None:
        _refuse_fields_of_other_versions(site, row, body or {})
        if row.if_match and etag is None:
            etag = _current_etag(site, row, path)
    return site.perform(operation.noun, operation.verb, path=path, query=query, body=body, etag=etag)


def _rows(name: str) -> tuple[Operation, ...]:
    """Return the rows of an operation. Raises ValueError with the closest names if it is unknown."""
    noun, _, verb = require_string(name, "the operation").partition(".")
    rows = operations_named(noun, verb)
    if rows:
        return rows
    known = sorted({row.name for row in OPERATIONS})
    meant = close_matches(name, known, cutoff=0.7)
    if not meant and noun in NOUN_NAMES:
        meant = [entry for entry in known if entry.startswith(f"{noun}.")]
    hint = f"did you mean {' or '.join(meant)}?" if meant else f"the nouns are {', '.join(sorted(NOUN_NAMES))}"
    raise ValueError(f"unknown operation {name!r}; {hint}")


def _mapping(value: Optional[Parameters], label: str) -> Parameters:
    if value is None:
        return {}
    require_type(value, Mapping, f"{label} must be a mapping")
    return value


def _refuse_unknown(name: str, kind: str, given: Iterable[str], known: Collection[str]) -> None:
    for field in given:
        if field not in known:
            hint = suggestion(field, tuple(sorted(known))) if known else "; it does not accept any"
            raise ValueError(f"unknown {kind} {field!r} of {name}{hint}")


def _check_path_parameters(name: str, given: Mapping[str, str], known: tuple[str, ...]) -> None:
    _refuse_unknown(name, "path parameter", given, known)
    missing = [parameter for parameter in known if parameter not in given]
    if missing:
        example = ", ".join(f"{parameter!r}: …" for parameter in known)
        raise ValueError(f"{name} needs the path parameter {missing[0]!r}; give path={{{example}}}")


def _refuse_fields_of_other_versions(site: Site, row: Operation, body: Parameters) -> None:
    """Raise CheckmkError for a field of a plain noun that this version or edition does not have."""
    if row.noun not in NOUNS or row.verb not in ("create", "update"):
        return
    fields = noun_format(row.noun, site.version(), site.edition()).fields.values()
    wires = {wire for field in fields for wire in (field.wire, field.creation_wire) if wire}
    unknown = sorted(set(body).intersection(row.body) - {wire.partition(".")[0] for wire in wires})
    if unknown:
        where = f"Checkmk {site.version()}, edition {site.edition()},"
        raise CheckmkError(f"'{row.noun} {row.verb}' of {where} does not support {', '.join(unknown)}")


def _current_etag(site: Site, row: Operation, path: Mapping[str, str]) -> str:
    """Return the ETag of the object that a write changes. A site without ETags gets "*", which matches any state."""
    source = operations_named(row.noun, row.etag_from)[0]
    parameters = {name: path[name] for name in source.path_parameters}
    return site.perform(row.noun, row.etag_from, path=parameters, fresh=True).etag or "*"
