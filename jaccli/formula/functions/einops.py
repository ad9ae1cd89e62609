"""Axes rearranged by name, as einops writes it: `rearrange(x, 'b t (h d) -> b h t d', h=2)`."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from jaccli.errors import FormulaError, ShapeError
from jaccli.formula.functions.reductions import mean
from jaccli.formula.functions.registry import Array, function
from jaccli.formula.functions.shaping import FAMILY
from jaccli.formula.values import Context
from jaccli.graph.node import Node, apply, broadcast_to, reshape, show_shape, size_of, transpose

Groups = list[list[str]]
"""For each axis, the names that it is made of; none for an axis of length 1."""

_WORD = re.compile(r"\s*(\.\.\.|[A-Za-z_]\w*|1(?!\w)|[()])")


class _Plan(NamedTuple):
    """A pattern read against an array: its entries along one axis a name."""

    split: Node
    names: list[str]
    after: Groups
    lengths: dict[str, int]


def _side(text: str, pattern: str) -> Groups:
    groups: Groups = []
    inner: list[str] | None = None
    position = 0
    while position < len(text.rstrip()):
        match = _WORD.match(text, position)
        if match is None:
            raise FormulaError(f"the pattern {pattern!r} is not understood at {text[position:].strip()!r}")
        position, word = match.end(), match.group(1)
        if (word == "(") != (inner is None) and word in "()":
            raise FormulaError(f"the brackets of the pattern {pattern!r} do not match")
        if word == "(":
            inner = []
        elif word == ")":
            groups.append(inner or [])
            inner = None
        elif inner is not None:
            inner += [word] if word != "1" else []
        else:
            groups.append([word] if word != "1" else [])
    if inner is not None:
        raise FormulaError(f"the brackets of the pattern {pattern!r} do not match")
    return groups


def _plan(context: Context, x: Node, pattern: str, given: dict[str, Any]) -> _Plan:
    left, arrow, right = pattern.partition("->")
    if not arrow:
        raise FormulaError(f"the pattern {pattern!r} has no ->", hint="write 'b t (h d) -> b h t d'")
    before, after = _side(left, pattern), _side(right, pattern)
    rest = x.ndim - sum(group != ["..."] for group in before)
    dots = [f"...{place}" for place in range(max(rest, 0))]
    before, after = _without_dots(before, dots), _without_dots(after, dots)
    if len(before) != x.ndim:
        raise ShapeError(f"the pattern {pattern!r} does not fit an array of shape {show_shape(x.shape)}")
    lengths = {name: context.integer(value, f"the length {name}") for name, value in given.items()}
    if min(lengths.values(), default=0) < 0:
        raise ShapeError(f"a length of the pattern {pattern!r} is negative")
    for group, length in zip(before, x.shape, strict=True):
        _fill(group, length, lengths, pattern)
    names = [name for group in before for name in group]
    if len(set(names)) < len(names):
        raise FormulaError(f"a name stands twice on one side of the pattern {pattern!r}")
    return _Plan(reshape(x, tuple(lengths[name] for name in names)), names, after, lengths)


def _without_dots(groups: Groups, dots: list[str]) -> Groups:
    spread: Groups = []
    for group in groups:
        if group == ["..."]:
            spread.extend([name] for name in dots)
        else:
            spread.append([word for name in group for word in (dots if name == "..." else [name])])
    return spread


def _fill(group: list[str], length: int, lengths: dict[str, int], pattern: str) -> None:
    """The one length of a group that is not given follows from the others."""
    unknown = [name for name in group if name not in lengths]
    known = size_of(lengths[name] for name in group if name in lengths)
    if len(unknown) > 1:
        raise FormulaError(
            f"the lengths of {' and '.join(unknown)} in {pattern!r} are not known", hint=f"give {unknown[0]}=…"
        )
    if unknown and known and length % known == 0:
        lengths[unknown[0]] = length // known
    elif unknown or known != length:
        raise ShapeError(f"an axis of {length} entries does not fit ({' '.join(group)}) of the pattern {pattern!r}")


def _arranged(plan: _Plan, x: Node, names: list[str], pattern: str) -> Node:
    wanted = [name for group in plan.after for name in group]
    if sorted(wanted) != sorted(names):
        odd = sorted(set(wanted) ^ set(names)) or wanted
        raise FormulaError(f"{odd[0]} does not stand once on each side of the pattern {pattern!r}")
    moved = transpose(x, tuple(names.index(name) for name in wanted))
    return reshape(moved, tuple(size_of(plan.lengths[name] for name in group) for group in plan.after))


@function(FAMILY, "rearrange", name="einops.rearrange", example="rearrange(x, 'a (b c) -> b a c', c=1)")
def rearrange(x: Array, pattern: str, *, context: Context, **lengths: Any) -> Node:
    """Axes split, merged and put in another order by their names, as einops."""
    plan = _plan(context, x, pattern, lengths)
    return _arranged(plan, plan.split, plan.names, pattern)


@function(FAMILY, name="einops.reduce", example="einops.reduce(x, 'a b -> b', 'mean')")
def reduce(x: Array, pattern: str, reduction: str, *, context: Context, **lengths: Any) -> Node:
    """The axes that the right side leaves out reduced: by 'sum', 'mean', 'max', 'min' or 'prod'."""
    if reduction not in ("sum", "mean", "max", "min", "prod"):
        raise FormulaError(f"unknown reduction {reduction!r}", hint="reductions are sum, mean, max, min and prod")
    plan = _plan(context, x, pattern, lengths)
    kept = {name for group in plan.after for name in group}
    axes = tuple(place for place, name in enumerate(plan.names) if name not in kept)
    total = plan.split
    if axes and reduction == "mean":
        total = mean(context.floats(total), axes)
    elif axes:
        total = apply(reduction, total, axes=axes)
    return _arranged(plan, total, [name for name in plan.names if name in kept], pattern)


@function(FAMILY, name="einops.repeat", example="einops.repeat(x, 'a b -> a b c', c=2)")
def repeat(x: Array, pattern: str, *, context: Context, **lengths: Any) -> Node:
    """Axes that stand on the right side alone, of the lengths given, along which the entries repeat."""
    plan = _plan(context, x, pattern, lengths)
    fresh = [name for group in plan.after for name in group if name not in plan.names]
    shape = tuple(plan.lengths.get(name, 0) for name in fresh) + plan.split.shape
    unknown = [name for name in fresh if name not in plan.lengths]
    if unknown:
        raise FormulaError(f"the length of {unknown[0]} in {pattern!r} is not known", hint=f"give {unknown[0]}=…")
    return _arranged(plan, broadcast_to(plan.split, shape), [*fresh, *plan.names], pattern)
