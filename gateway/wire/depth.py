"""Nesting that JSON allows and Python's stack does not."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from omniroute.errors import InvalidRequest

_P = ParamSpec("_P")
_R = TypeVar("_R")


def shallow(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """`function`, raising `InvalidRequest` where it would run out of stack."""

    @wraps(function)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return function(*args, **kwargs)
        except RecursionError:
            raise InvalidRequest("The request is nested too deeply") from None

    return guarded
