"""The command ``checkmk-sync api``, which sends any request to the API."""

from __future__ import annotations

import json
import sys
from typing import Any, Optional, Sequence
from urllib.parse import urlencode

import click

from ..catalogue.paths import api_path
from ..core.call import Reply
from ..core.grouping import grouped
from ..core.redaction import mask_secrets
from .exit_codes import FAILED
from .options import State, ask, require_answers
from .outcome import RawWrite
from .parameters import pairs, parse_json


def api(
    state: State,
    method: str,
    path: str,
    fields: Sequence[str],
    json_fields: Sequence[str],
    query: Sequence[str],
    input_file: Optional[str],
    etag: Optional[str],
    include: bool,
    save: Optional[str],
    yes: bool,
) -> int:
    body = _body(fields, json_fields, input_file)
    if method == "GET" and body is not None:
        raise click.UsageError("a GET request must not have a body; give parameters with --query KEY=VALUE")
    # One by one, because a parameter can occur several times.
    parameters = grouped(pair for text in query for pair in pairs("query", [text]).items())
    try:
        shown = f"{method} {api_path(path)}{'?' if parameters else ''}{urlencode(parameters, doseq=True)}"
        if method != "GET" and not yes:
            require_answers("'api'", "give --yes", stdin_is="the body" if input_file == "-" else "")
            _confirm(state, shown, body)
        with state.client() as client:
            if method != "GET":
                state.begin_write(RawWrite(shown))
                state.if_stopped = "the site may have executed the request, or may still execute it"
            reply = client.request(method, path, query=parameters, body=body, etag=etag)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return _print(state, reply, include, save)


def _body(fields: Sequence[str], json_fields: Sequence[str], input_file: Optional[str]) -> Any:
    """Return the body from the options, or None if no option gives one."""
    if input_file is not None:
        if fields or json_fields:
            raise click.UsageError("give either --input or fields of the body, not both")
        source = "standard input" if input_file == "-" else input_file
        return parse_json(_read(input_file), source, {"alias": "Linux servers"})
    body: dict[str, Any] = dict(pairs("field", fields))
    for name, text in pairs("json-field", json_fields).items():
        if name in body:
            raise click.UsageError(f"the field {name} occurs twice; give one value")
        body[name] = parse_json(text, f"--json-field {name}", "text")
    return body or None


def _read(name: str) -> str:
    try:
        if name != "-":
            with open(name, encoding="utf-8-sig") as file:
                return file.read()
        return "" if sys.stdin is None else sys.stdin.buffer.read().decode("utf-8-sig")
    except OSError as error:
        raise click.UsageError(f"cannot read {name}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{name} is not encoded in UTF-8") from None


def _confirm(state: State, request: str, body: Any) -> None:
    """Show the request and ask. Raises Declined unless the user agrees."""
    state.output.question(request)
    if body is not None:
        for line in json.dumps(mask_secrets(body), indent=2, ensure_ascii=False).split("\n"):
            state.output.question(f"  {line}")
    ask("Send this request?")


def _print(state: State, reply: Reply, include: bool, save: Optional[str]) -> int:
    """Print the answer as JSON, and save its body if ``save`` names a file."""
    data, content_type = reply.data, reply.headers.get("Content-Type")
    if data is None and reply.body:
        data = {"content_type": content_type, "bytes": len(reply.body)}
        if save is None:
            state.output.note(f"The answer is {content_type}, not JSON; give --save FILE to keep it")
    if include:
        headers = dict(reply.headers.items())
        facts = {"status": reply.status, "etag": reply.etag, "elapsed_s": reply.elapsed_s, "headers": headers}
        data = {**facts, "data": data}
    state.output.data(data)
    if save is not None:
        try:
            with open(save, "wb") as file:
                file.write(reply.body)
        except OSError as error:
            state.output.error(f"the request was executed, but {save} cannot be written: {error.strerror}")
            return FAILED
    return 0
