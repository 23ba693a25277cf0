"""Turn an answer with status 400 or above into a typed error."""

from __future__ import annotations

import contextlib
import email.utils
import json
import re
import time
from http.client import responses
from typing import Any, Callable, Iterator, Mapping, Optional, Union

from .. import errors
from ..catalogue.literals import read_literal
from ..core.call import Call, show_folder_paths
from ..core.redaction import Redactor, find_secrets, named_entries, telling_name
from ..core.secret_names import is_secret_name

_BY_STATUS: Mapping[int, type[errors.ApiError]] = {
    400: errors.BadRequestError,
    401: errors.AuthError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    412: errors.PreconditionError,
    422: errors.UnprocessableError,
    423: errors.LockedError,
    428: errors.PreconditionError,
    429: errors.ThrottledError,
}

# Checkmk also answers 401 if the credentials are right: for a missing permission inside an endpoint, for the changes of
# other users on activation, and for the root folder. Only the text tells these cases apart. Any other text, and any
# page of a web server in front of the site, counts as wrong credentials, because continuing with wrong credentials
# would lock the account.
_NOT_ABOUT_CREDENTIALS = re.compile(
    r"\b(?:permissions?|not permitted|not allowed|foreign|authorize checkmk|in use|lack)\b", re.IGNORECASE
)
_TEXT_LIMIT = 2000
_MAX_DEPTH = 50


def is_of_a_gateway(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Return True if a web server in front of the site sent this answer with status 500 or above.

    Checkmk's own 500 is a JSON problem, sent after the call has ended. After any other page, the site may still be
    executing the call.
    """
    return status in (502, 503, 504) or (status >= 500 and _problem(status, headers, body, str) is None)


def error_from_reply(
    status: int, headers: Mapping[str, str], body: bytes, *, call: Call, redact: Redactor
) -> Union[errors.ApiError, errors.UnexpectedReplyError]:
    """Return the error for an answer with status 400 or above.

    The caller raises it from a frame without the body, so that no traceback contains the body. Servers quote the
    request, so the client's secrets and the secrets in the request body are removed from the texts. Folders of the
    call appear as paths instead of in their URL form.
    """
    sent = _with_values(call.body)
    in_body, public = Redactor(find_secrets(sent)), frozenset(_texts_without_secrets(sent))
    without_secrets = redact.also(find_secrets(sent))

    def clean(text: str) -> str:
        return show_folder_paths(without_secrets(text), call.folder_ids)

    problem, phrase = _problem(status, headers, body, clean), responses.get(status, "Error")
    if problem is None and status != 429 and status < 500 and (status == 404 or not call.is_read):
        return _foreign_page(status, _plain_text(body, clean), call)
    if problem is None:
        title = phrase
        # The pages of web servers contain the phrase twice: in the title and in a headline.
        detail = re.sub(rf"^(?:(?:{status} )?{re.escape(title)}\W*)+", "", _plain_text(body, clean))
        problem, delivery = {}, errors.Delivery.UNKNOWN
    else:
        title, detail = str(problem.get("title") or phrase), str(problem.get("detail") or "")
        # After a crash it is unknown how much of the call the site had executed.
        delivery = errors.Delivery.UNKNOWN if status >= 500 else errors.Delivery.ANSWERED
    kind = _BY_STATUS.get(status, errors.ServerError if status >= 500 else errors.ApiError)
    # Checkmk 2.1 and older put the reason for a 401 into the title.
    if kind is errors.AuthError and problem and _NOT_ABOUT_CREDENTIALS.search(f"{title} {detail}"):
        kind = errors.ForbiddenError
    title, detail = (in_body.strictly(text[:_TEXT_LIMIT], public) for text in (title, detail))
    fields = _flatten_fields(
        problem.get("fields"), lambda text, about_secret: in_body.strictly(text, public, about_secret=about_secret)
    )
    facts: dict[str, Any] = {"ext": _ext(status, problem), "fields": fields}
    facts.update(call=str(call), attempted=errors.Attempted(delivery, call.is_read))
    if kind is errors.ThrottledError:
        facts["retry_after_s"] = retry_after_s(headers)
    return kind(status, title, detail, **facts)


def _with_values(body: Any) -> Any:
    """Return the body of a request with the value of a rule in place of its literal, so that its secrets are found."""
    literal = body.get("value_raw") if isinstance(body, Mapping) else None
    with contextlib.suppress(ValueError):
        # An update does not contain the ruleset, whose name tells whether a text is a secret.
        return {"ruleset": "secret", **body, "value_raw": read_literal(literal)} if isinstance(literal, str) else body
    return body


def _foreign_page(status: int, text: str, call: Call) -> errors.UnexpectedReplyError:
    """Return the error for a 4xx of a firewall or gateway that answered in place of the site.

    Checkmk's own refusals are JSON problems. A 404 in any other form says nothing about the object, and
    the site may have executed a write before the gateway answered.
    """
    if status == 404:
        message = f"no Checkmk site answers {call}: 404 {text[:80]}; check server_url and site"
    else:
        phrase = responses.get(status, "Error")
        message = f"a web server in front of the site answered {call} with {status} {phrase}: {text[:80]}"
    return errors.UnexpectedReplyError(
        message, call=str(call), status=status, attempted=errors.Attempted(errors.Delivery.UNKNOWN, call.is_read)
    )


def retry_after_s(headers: Mapping[str, str]) -> Optional[float]:
    """Return the wait in seconds that ``Retry-After`` asks for, or None if it is neither a number nor a date."""
    raw = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,6}(\.\d+)?", raw):
        return float(raw)
    then, now = http_date(raw), http_date(headers.get("Date", ""))
    if then is None:
        return None
    # Compared with the server's own clock if the answer has a Date, because the two clocks may differ.
    return max(0.0, then - (time.time() if now is None else now))


def http_date(text: str) -> Optional[float]:
    """Return the date in an HTTP header as UNIX time, or None if it is not valid or out of range."""
    try:
        parsed = email.utils.parsedate_tz(text)
        return None if parsed is None else float(email.utils.mktime_tz(parsed))
    except (ValueError, OverflowError, IndexError, TypeError):  # email.utils raises these for absurd numbers
        return None


def _problem(
    status: int, headers: Mapping[str, str], body: bytes, redact: Callable[[str], str]
) -> Optional[dict[str, Any]]:
    """Return Checkmk's JSON description of a problem, redacted, or None for any other page."""
    is_problem_type = headers.get("Content-Type", "").startswith("application/problem+json")
    try:
        problem = json.loads(body)
    except (ValueError, RecursionError):
        return None
    # Checkmk: every problem has a title and repeats the status, but its Content-Type may be empty or wrong (known
    # deviations). Proxies send JSON of another form.
    if not (isinstance(problem, dict) and isinstance(problem.get("title"), str)):
        return None
    if problem.get("status") != status and not (is_problem_type and "status" not in problem):
        return None
    # Redacted after parsing, because a secret inside JSON may be written with escapes.
    clean: dict[str, Any] = _redacted(problem, redact)
    return clean


def _redacted(value: Any, redact: Callable[[str], str], depth: int = 0) -> Any:
    if isinstance(value, str):
        return redact(value)
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {redact(key): _redacted(entry, redact, depth + 1) for key, entry in value.items()}
    return [_redacted(entry, redact, depth + 1) for entry in value] if isinstance(value, list) else value


def _ext(status: int, problem: Mapping[str, Any]) -> Mapping[str, Any]:
    # The `ext` of a crash report contains the complete request; the useful part is in `detail`.
    ext = problem.get("ext")
    return ext if isinstance(ext, dict) and status < 500 else {}


def _flatten_fields(fields: Any, hide: Callable[[str, bool], str]) -> dict[str, list[str]]:
    """Return the messages of a validation error as ``{"entries.0.host_name": ["…"]}``.

    Up to Checkmk 2.4, ``fields`` has the shape of the input, with lists of messages as leaves. Endpoints of 2.5 send
    dotted keys such as ``body.entries.0.host_name``, each with one object that has a ``msg``.
    """
    fields_by_path: dict[str, list[str]] = {}
    for path, text in _messages(fields, ""):
        is_about_a_secret = any(map(is_secret_name, path.split(".")))
        # Checkmk quotes invalid values, possibly truncated. Names of fields and allowed values stay readable.
        message = hide(text, is_about_a_secret)
        fields_by_path.setdefault(path[5:] if path.startswith("body.") else path, []).append(message)
    return fields_by_path


def _texts_without_secrets(sent: Any, *, is_secret: bool = False) -> Iterator[str]:
    """Yield the names of all fields in a request body, and all strings that are not secret."""
    if isinstance(sent, Mapping):
        for name, value in sent.items():
            yield str(name)
            is_telling = is_secret_name(telling_name(sent, name))
            yield from _texts_without_secrets(value, is_secret=is_secret or is_telling)
    elif isinstance(sent, (list, tuple)):
        for before, value in named_entries(sent):
            yield from _texts_without_secrets(value, is_secret=is_secret or is_secret_name(before))
    elif isinstance(sent, str) and not is_secret:
        yield sent


def _messages(node: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict) and isinstance(node.get("msg"), str):
        yield path, node["msg"]
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _messages(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list):
        for value in node:
            yield from _messages(value, path)
    elif node is not None:
        yield path, str(node)


def _plain_text(body: bytes, redact: Callable[[str], str]) -> str:
    """Return the visible text of an HTML page, redacted."""
    # Redacted before truncating, because a truncated secret would no longer be found.
    page = redact(body[:40_000].decode("utf-8", "replace"))[:20_000]
    text = re.sub(r"(?s)<(script|style).*?</\1>|<[^>]*>", " ", page)
    return redact(" ".join(text.split()))[:300]
