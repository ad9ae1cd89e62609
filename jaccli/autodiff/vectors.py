"""Cotangents and tangents as callers give them, checked against what a program differentiates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaccli.autodiff.program import Program
from jaccli.errors import InputError, ShapeError
from jaccli.graph.node import show_shape
from jaccli.runtime.arrays import as_float

Array = NDArray[Any]


def cotangent_for(program: Program, v: ArrayLike | None) -> Array:
    """A cotangent of the output's shape; a scalar is repeated, and without one it is 1 for an output of one entry.

    Raises:
        InputError: there is none, and the output has several entries; or it holds no numbers.
        ShapeError: it has another shape.
    """
    shape = program.smooth.shape
    if v is None:
        if program.smooth.size != 1:
            raise InputError(
                f"the output has shape {show_shape(shape)}, so a cotangent v is needed",
                hint="--v ones gives the gradient of the sum; jaccli jacobian gives every row",
            )
        return np.ones(shape, program.smooth.dtype)
    array = as_float("v", v, program.smooth.dtype)
    if array.shape == shape:
        return array
    if array.shape == ():
        return np.broadcast_to(array, shape)
    raise ShapeError(
        f"v has shape {show_shape(array.shape)}, and the output has shape {show_shape(shape)}",
        hint="v must have the output's shape, or be a scalar",
    )


def cotangent_stack(program: Program, v: ArrayLike | None) -> Array:
    """Cotangents along a leading axis; errors as those of `cotangent_for`."""
    shape = program.smooth.shape
    if v is None:
        raise InputError("a stack of cotangents v is needed", hint=f"of shape (n, *{show_shape(shape)})")
    array = as_float("v", v, program.smooth.dtype)
    if array.ndim != len(shape) + 1 or array.shape[1:] != shape:
        raise ShapeError(
            f"v has shape {show_shape(array.shape)}, and the output has shape {show_shape(shape)}",
            hint="a batched v has one more leading axis than the output",
        )
    return array


def tangents_for(program: Program, tangents: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """For each input that moves a tangent of its shape, scalars repeated.

    Raises:
        InputError: there is none; or one is of no input, or of one that holds integers.
        ShapeError: one has another shape.
    """
    if not isinstance(tangents, Mapping) or not tangents:
        raise InputError("at least one tangent is needed", hint="--t NAME=VALUE; inputs without one are held fixed")
    arrays = {}
    for name, value in tangents.items():
        if name not in program.inputs:
            raise InputError(f"the formula has no input {name}", hint=f"its inputs are {', '.join(program.inputs)}")
        node = program.inputs[name]
        if not node.is_float:
            raise InputError(f"the input {name} holds integers, and these have no tangent")
        array = as_float(f"the tangent of {name}", value, node.dtype)
        if array.shape not in ((), node.shape):
            raise ShapeError(
                f"the tangent of {name} has shape {show_shape(array.shape)}, "
                f"and {name} has shape {show_shape(node.shape)}"
            )
        arrays[name] = np.broadcast_to(array, node.shape)
    return arrays


def refuse_several_outputs(program: Program, what: str) -> None:
    """Raises a `ShapeError` where the output has not just one entry."""
    if program.smooth.size != 1:
        raise ShapeError(
            f"{what} is of an output of one entry, and this output has shape {show_shape(program.smooth.shape)}",
            hint="sum(…) makes it a scalar; jaccli jacobian gives the first derivatives",
        )
