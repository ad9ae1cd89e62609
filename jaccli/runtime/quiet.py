"""Arithmetic whose infinities and NaNs are results, and no warnings."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import ParamSpec, TypeVar

import numpy as np

Given = ParamSpec("Given")
Result = TypeVar("Result")

_idle: list[Context] = []


def quietly(function: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    """What a function gives while NumPy reports no floating-point errors.

    `numpy.errstate` takes as long as a product of a hundred numbers; what it changes is a context variable, so contexts
    where it is changed already are kept. One is used by one call at a time. All other context variables have their
    defaults in it.
    """
    try:
        context = _idle.pop()
    except IndexError:
        context = Context()
        context.run(np.seterr, all="ignore")
    try:
        return context.run(function, *args, **kwargs)
    finally:
        _idle.append(context)
