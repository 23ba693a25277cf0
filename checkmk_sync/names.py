"""Names and values of Checkmk: folder paths, host names, states, versions."""

from __future__ import annotations

import enum
import functools
import re
from dataclasses import dataclass
from typing import Any, Iterable, Optional, TypeVar, Union
from urllib.parse import quote

__all__ = [
    "ADOPTED_LABEL",
    "OWNER_LABEL",
    "CheckmkVersion",
    "HostState",
    "ServiceState",
    "a_type",
    "chosen",
    "counted",
    "folder_id",
    "folder_path",
    "host_name",
    "is_folder_hash",
    "lookalikes",
    "names_in",
    "one_name",
    "parent_folder",
    "path_segment",
    "require",
    "several",
    "state_of",
    "why_no_key",
]

OWNER_LABEL = "checkmk_sync/owner"
# Names the object that was adopted. A clone has the label too, but another name.
ADOPTED_LABEL = "checkmk_sync/adopted"

G = TypeVar("G", bound=Iterable[Any])
S = TypeVar("S", "HostState", "ServiceState")

_MANY = (list, tuple, set, frozenset)
_HASH = re.compile(r"[0-9a-fA-F]{32}")
_HOST = re.compile(r"[-0-9a-zA-Z_.]+")
# Checkmk: new folders may be named [-\w]*, older ones may also hold spaces and dots.
_FOLDER = re.compile(r"[-\w .]+")
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")


def several(given: G, what: str) -> G:
    """``given`` as it is. TypeError for one text, of which each letter would be taken."""
    if isinstance(given, (str, bytes)):
        raise TypeError(f"{what} is a list of names, not one text")
    if not isinstance(given, Iterable):
        raise TypeError(f"{what} is a list, not {a_type(given)}")
    return given


def a_type(given: object) -> str:
    """What ``given`` is, without its value: ``"a list"``, ``"an int"``, ``"None"``."""
    name = type(given).__name__
    return "None" if given is None else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def require(given: object, kinds: Union[type, tuple[type, ...]], what: str, hint: str = "") -> None:
    """TypeError, which says ``what`` is needed, unless ``given`` is of one of the kinds. Booleans are no numbers."""
    if not isinstance(given, kinds) or (isinstance(given, bool) and kinds is not bool):
        raise TypeError(f"{what}, not {a_type(given)}{hint}")


def one_name(given: object, what: str) -> str:
    """``given`` as it is. TypeError unless it is a text."""
    if not isinstance(given, str):
        many = "; for several call it once for each, or use a bulk call" if isinstance(given, _MANY) else ""
        raise TypeError(f"{what} is a text, not {a_type(given)}{many}")
    return given


def names_in(given: Iterable[Any], what: str) -> list[str]:
    """A list of ``given`` texts. TypeError for one text, and for an entry that is no text."""
    found = list(several(given, what))
    for index, name in enumerate(found):
        if not isinstance(name, str):
            raise TypeError(f"{what} is a list of texts, but {what}[{index}] is {a_type(name)}")
    return found


def counted(number: int, one: str, many: str = "") -> str:
    """``"1 host"``, ``"2 hosts"``; ``many`` is what more than one are called, if not ``one`` with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def lookalikes(word: str, known: Iterable[str], cutoff: float = 0.8) -> list[str]:
    """Return up to two known words that ``word`` probably misspells, the closest first."""
    import difflib  # only a mistake pays for it

    return difflib.get_close_matches(word, list(known), n=2, cutoff=cutoff)


def why_no_key(text: str) -> Optional[str]:
    """Return why a text can be neither the key of a label nor an owner; None if nothing is wrong with it."""
    if not text:
        return "it is empty"
    if ":" in text:
        return "it holds a ':'"
    if text != text.strip():
        return "it begins or ends with a blank"
    return "it holds a line break" if "\n" in text or "\r" in text else None


def host_name(text: str) -> str:
    """``text`` when Checkmk takes it as a host name; ValueError otherwise."""
    if not isinstance(text, str) or not _HOST.fullmatch(text):
        raise ValueError(f"{text!r} is not a host name: only letters, digits, '-', '_' and '.' are allowed")
    if len(text) > 240:
        raise ValueError(f"the host name {text[:16]!r}… is longer than 240 characters")
    return text


def is_folder_hash(text: str) -> bool:
    """True for the 32 hex digits by which Checkmk also knows a folder."""
    return bool(_HASH.fullmatch(text))


def folder_path(text: str) -> str:
    """A folder in the spelling ``/a/b`` (root: ``/``) from ``/a/b``, ``~a~b``, ``\\a\\b``, with or without
    the first and a last separator; a 32-digit folder id stays as it is. ValueError for anything else."""
    if not isinstance(text, str):
        raise _no_folder(text)
    return _normalised(text)


def _no_folder(text: object) -> ValueError:
    return ValueError(f"{text!r} is not a folder: a text like '/linux/web' is needed, '/' is the root")


@functools.lru_cache(maxsize=4096)  # thousands of hosts lie in the same folders
def _normalised(text: str) -> str:
    if not text.strip():
        raise _no_folder(text)
    if is_folder_hash(text):
        return text
    parts = [part for part in re.split(r"[~\\/]+", text) if part]
    wrong = next((part for part in parts if not _FOLDER.fullmatch(part)), None)
    if wrong is not None:
        raise ValueError(f"{text!r} is not a folder: {wrong!r} holds characters that Checkmk refuses")
    if any(not part.strip(".") for part in parts):
        raise ValueError(f"{text!r} is not a folder: a name of dots alone means another one")
    return "/" + "/".join(parts)


def folder_id(text: str) -> str:
    """A folder in the spelling that works in URLs: ``~a~b`` (root: ``~``), or its 32-digit id."""
    path = folder_path(text)
    return path if is_folder_hash(path) else path.replace("/", "~")


def parent_folder(path: str) -> Optional[str]:
    """The folder above ``/a/b``, that is ``/a``; None for the root."""
    return None if path == "/" else path.rpartition("/")[0] or "/"


def path_segment(text: str) -> str:
    """``text`` quoted for one segment of a URL's path.

    Checkmk decodes path parameters twice, so what needs quoting at all is quoted twice; a segment
    of dots would be taken as a path, so its dots are quoted as well. ValueError for an empty text,
    which would name the collection instead of one object. TypeError for anything else than a text.
    """
    if not one_name(text, "a name"):
        raise ValueError("an empty name does not name anything")
    if _PLAIN.fullmatch(text):
        return text if text.strip(".") else text.replace(".", "%252E")
    return quote(quote(text, safe="~"), safe="~")


class HostState(enum.Enum):
    """The state of a host. Up is 0, and a host that was never checked is pending, not up."""

    UP = 0
    DOWN = 1
    UNREACHABLE = 2
    PENDING = -1

    @classmethod
    def of(cls, state: int, has_been_checked: int) -> HostState:
        """The state that the columns ``state`` and ``has_been_checked`` say."""
        return cls(state) if has_been_checked else cls.PENDING


class ServiceState(enum.Enum):
    """The state of a service. OK is 0, and a service that was never checked is pending, not OK."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3
    PENDING = -1

    @classmethod
    def of(cls, state: int, has_been_checked: int) -> ServiceState:
        """The state that the columns ``state`` and ``has_been_checked`` say."""
        return cls(state) if has_been_checked else cls.PENDING


def chosen(text: str, choices: Iterable[str]) -> str:
    """Return the choice that ``text`` names, in any case, by its whole name or an unambiguous beginning.

    ValueError, with the choices, if it names none or several of them.
    """
    word, known = text.strip().lower(), list(choices)
    found = [choice for choice in known if choice.lower() == word]
    found = found or [choice for choice in known if word and choice.lower().startswith(word)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"{text!r} may mean {' or '.join(found)}: give more letters")
    raise ValueError(f"{text!r} is none of {', '.join(known)}, nor the beginning of one")


def state_of(kind: type[S], given: object) -> S:
    """A state, also by its number, or by its name in any case or an unambiguous beginning of that.

    ValueError, with the states that there are, for anything else.
    """
    if isinstance(given, kind):
        return given
    known = f"{kind.__name__}: {', '.join(f'{state.name} ({state.value})' for state in kind)}"
    if isinstance(given, str):
        try:
            return kind[chosen(given, kind.__members__)]
        except ValueError as error:
            raise ValueError(f"{error} ({known})") from None
    if isinstance(given, int) and not isinstance(given, bool) and given in [state.value for state in kind]:
        return kind(given)
    raise ValueError(f"{given!r} is no {known}")


_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:([ibp])(\d+))?(?:-(rc\d*|\d[\d.]*\d|[a-z]+))?(?:\.([a-z]+))?")
# Checkmk: inside a line innovation releases come first, then betas, the release and its patches.
_STAGES = {"i": 0, "b": 1, None: 2, "p": 3}


@dataclass(frozen=True)
class CheckmkVersion:
    """A version such as ``2.4.0p18``; ``key`` orders versions (``p10`` is later than ``p9``)."""

    text: str
    key: tuple[int, int, int, int, int]

    @classmethod
    @functools.lru_cache(maxsize=256)
    def parse(cls, text: str) -> CheckmkVersion:
        """From ``2.4.0p18``, ``2.4.0p18.cre``, ``2.5.0b3``, a release candidate such as ``2.3.0p5-rc1``, or a
        build such as ``2.5.0-2026.03.27`` or ``2.4.0-sandbox``.

        A candidate counts as what it may become, a build as the newest of its line. ValueError for anything else.
        """
        found = _VERSION.fullmatch(text.strip())
        if not found:
            raise ValueError(f"{text!r} is not a Checkmk version")
        major, minor, line, stage, number, build, _edition = found.groups()
        is_newest = build is not None and not build.startswith("rc")
        key = (int(major), int(minor), int(line), 4 if is_newest else _STAGES[stage], int(number or 0))
        short = f"{major}.{minor}.{line}{stage or ''}{number or ''}"
        return cls(text.strip() if build else short, key)

    def __str__(self) -> str:
        return self.text

    def at_least(self, text: str) -> bool:
        """True when this is ``text`` or later, such as ``at_least("2.3.0p23")``."""
        return self.key >= CheckmkVersion.parse(text).key
