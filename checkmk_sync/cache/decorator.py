"""The decorator :func:`cached`, which caches the results of your own functions and services."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import inspect
import pathlib
import types
import uuid
from typing import Any, Callable, Iterable, Optional, TypeVar

from ..core.arguments import runs_after_return
from ..core.once import make_once
from .lru import LRUCache, private_copy
from .single_flight import SingleFlight

F = TypeVar("F", bound=Callable[..., Any])

_MISSING = object()


class CachingService:
    """The base class of a service with :func:`cached` methods, which share the cache ``self.cache``.

    The cache is created at first use, from ``self.config.caching`` if the service has a config. With
    ``enabled: false`` there, nothing is cached.
    """

    config: Any = None

    @property
    def caching_enabled(self) -> bool:
        """True unless the configuration turns caching off."""
        return bool(getattr(getattr(self.config, "caching", None), "enabled", True))

    @property
    def cache(self) -> LRUCache:
        """The cache of the results."""
        return make_once(self, "_cache", self._create_cache)

    @property
    def single_flight(self) -> SingleFlight[Any]:
        """The calls in progress. Concurrent callers share their results."""
        return make_once(self, "_single_flight", SingleFlight)

    def _create_cache(self) -> LRUCache:
        settings = getattr(self.config, "caching", None)
        if settings is None:
            return LRUCache()
        return LRUCache(
            settings.max_size,
            settings.default_ttl,
            max_bytes=settings.max_mb * 2**20,
            cleanup_interval=settings.cleanup_interval,
        )

    def invalidate_cache_pattern(self, pattern: str) -> int:
        """Remove results whose key matches, and return their number.

        A key starts with ``prefix:function:arguments``. For example, ``hosts:*web01*`` matches the results for web01.
        """
        return self.cache.invalidate_pattern(pattern)

    _invalidate_cache_pattern = invalidate_cache_pattern


def cached(ttl: Optional[float] = None, key_prefix: str = "") -> Callable[[F], F]:
    """Cache the results of a function, or of a method of a :class:`CachingService`, for ``ttl`` seconds.

    The key is ``key_prefix:function:argument,…:module.function``. It is the same for positional and keyword arguments.
    None is cached like any other result, and exceptions are not cached. Concurrent calls with the same key share one
    call. A result that was computed during an invalidation is not cached. The cache of a function is
    ``function.cache``.

    Arguments must be plain values or containers of plain values. A call raises TypeError for any other argument,
    because its text would not distinguish it from other objects. It also raises TypeError if the result cannot be
    copied, such as a lock. Generator and coroutine functions raise TypeError when they are decorated.
    """

    if callable(ttl):
        raise TypeError("cached needs parentheses: @cached() or @cached(ttl=300)")

    def decorate(function: F) -> F:
        name = f"{function.__module__}.{function.__qualname__}"
        if runs_after_return(function):
            raise TypeError(
                f"{name} returns an object that can be used only once, so it cannot be cached; return a list instead"
            )
        parameters = inspect.signature(function)
        is_method = next(iter(parameters.parameters), "") == "self"
        own: Optional[CachingService] = None if is_method else CachingService()

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            service = args[0] if own is None else own
            if not service.caching_enabled:
                return function(*args, **kwargs)
            cache: LRUCache = service.cache
            text = _text_of_arguments(parameters.bind(*args, **kwargs), is_method, name)
            key = f"{key_prefix}:{function.__name__}:{text}:{name}"
            kept = cache.get(key, _MISSING)
            if kept is not _MISSING:
                return kept

            def compute() -> Any:
                epoch = cache.epoch
                result = function(*args, **kwargs)
                try:
                    cache.set(key, result, ttl, epoch=epoch)
                except TypeError as error:
                    raise TypeError(f"the result of {name} cannot be cached: {error}") from error
                return result

            result, _ = service.single_flight.run((key, cache.epoch), compute)
            return private_copy(result)  # even in the computing thread, because others may still be copying the result

        if own is not None:
            wrapper.cache = own.cache  # type: ignore[attr-defined]
        return wrapper  # type: ignore[return-value]

    return decorate


def _text_of_arguments(bound: inspect.BoundArguments, is_method: bool, name: str) -> str:
    bound.apply_defaults()
    values = list(bound.arguments.items())[1 if is_method else 0 :]
    try:
        return ",".join(f"{parameter}={_distinct_text(value)}" for parameter, value in values)
    except TypeError as error:
        raise TypeError(f"{name} is cached, but an argument is {error}; pass names, numbers or dates instead") from None


# Types whose repr shows the complete value. Subclasses are not included, because they may define another repr.
_PLAIN = frozenset(
    (
        *(type(None), bool, int, float, complex, str, bytes, range, uuid.UUID, decimal.Decimal, fractions.Fraction),
        *(datetime.date, datetime.datetime, datetime.time, datetime.timedelta),
        *(pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath),
    )
)


def _distinct_text(value: Any) -> str:
    """Return a text that is the same only for equal values. Raises TypeError for other types."""
    kind = type(value)
    if kind in _PLAIN:
        return repr(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(value, enum.Flag):  # a combination of flags may have no name
        return f"{name}({value.value!r})"
    if isinstance(value, enum.Enum):
        return f"{name}.{value.name}"
    if kind in (dict, types.MappingProxyType):
        return _container_text(
            name, sorted(f"{_distinct_text(key)}:{_distinct_text(entry)}" for key, entry in value.items())
        )
    if kind in (set, frozenset):
        return _container_text(name, sorted(map(_distinct_text, value)))
    if kind in (list, tuple) or (isinstance(value, tuple) and hasattr(kind, "_fields")):
        return _container_text(name, map(_distinct_text, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (f"{field.name}={_distinct_text(getattr(value, field.name))}" for field in dataclasses.fields(value))
        return _container_text(name, fields)
    raise TypeError(f"of type {name}, and the texts of such values do not tell them apart")


def _container_text(kind: str, texts: Iterable[str]) -> str:
    return f"{kind}({','.join(texts)})"
