"""Caching for people's own functions and services."""

from __future__ import annotations

import functools
import inspect
import threading
from typing import Any, Callable, Optional, TypeVar

from .flights import SingleFlight
from .lru import LRUCache, private_copy

__all__ = ["CachingService", "cached"]

F = TypeVar("F", bound=Callable[..., Any])

_MISSING = object()
_making = threading.Lock()


class CachingService:
    """The base of a service whose methods are :func:`cached`: they share ``self.cache``.

    It is made when first used, as ``self.config.caching`` says where there is a config.
    """

    config: Any = None

    @property
    def cache(self) -> LRUCache:
        """Where the results are kept."""
        found: Optional[LRUCache] = self.__dict__.get("_cache")
        return found or self._made("_cache", self._new_cache)

    @property
    def flights(self) -> SingleFlight[Any]:
        """Calls that are being computed."""
        found: Optional[SingleFlight[Any]] = self.__dict__.get("_flights")
        return found or self._made("_flights", SingleFlight)

    def _new_cache(self) -> LRUCache:
        settings = getattr(self.config, "caching", None)
        return LRUCache() if settings is None else LRUCache(settings.max_size, settings.default_ttl)

    def _made(self, name: str, make: Callable[[], Any]) -> Any:
        """Made when first asked for, once: a mixin has no constructor that people remember to call."""
        with _making:
            return self.__dict__.setdefault(name, make())

    def invalidate_cache_pattern(self, pattern: str) -> int:
        """Forget results whose key ``prefix:function:arguments`` matches, such as ``hosts:*web01*``; how many."""
        return self.cache.invalidate_pattern(pattern)


def cached(ttl: Optional[float] = None, key_prefix: str = "") -> Callable[[F], F]:
    """Keep what a function, or a method of a :class:`CachingService`, returns, for ``ttl`` seconds.

    The key is ``key_prefix:function:argument,…``, the same however the arguments are given. None is a
    result like any other, exceptions are not kept. Threads that ask for the same at once share one call;
    what was computed while something was invalidated is not kept. A function has its cache as ``function.cache``.
    """

    def decorate(function: F) -> F:
        parameters = inspect.signature(function)
        is_method = next(iter(parameters.parameters), "") == "self"
        own: Optional[CachingService] = None if is_method else CachingService()

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            service = args[0] if own is None else own
            cache: LRUCache = service.cache
            key = _key(key_prefix, function.__name__, parameters.bind(*args, **kwargs), skip=is_method)
            found = cache.get(key, _MISSING)
            if found is not _MISSING:
                return found

            def compute() -> Any:
                epoch = cache.epoch
                result = function(*args, **kwargs)
                cache.set(key, result, ttl, epoch=epoch)
                return result

            result, _ = service.flights.run((key, cache.epoch), compute)
            return private_copy(result)  # also for who computed it: others may still be copying

        if own is not None:
            wrapper.cache = own.cache  # type: ignore[attr-defined]
        return wrapper  # type: ignore[return-value]

    return decorate


def _key(prefix: str, name: str, bound: inspect.BoundArguments, skip: bool) -> str:
    bound.apply_defaults()
    values = list(bound.arguments.items())[1 if skip else 0 :]
    return f"{prefix}:{name}:{','.join(f'{parameter}={value!r}' for parameter, value in values)}"
