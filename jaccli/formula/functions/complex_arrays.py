"""What functions of real arrays do with complex ones: linear ones act on both parts, products combine them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jaccli.formula.arithmetic import as_complex, binary
from jaccli.formula.complex import Complex, bilinear, exponential, logarithm, square_root
from jaccli.formula.values import Context, Value
from jaccli.graph.node import Node, apply

if TYPE_CHECKING:
    from jaccli.formula.functions.registry import Function

_LINEAR = frozenset(
    [
        *("sum", "mean", "cumsum", "diff", "trace", "reshape", "ravel", "flatten", "transpose", "T", "mT", "swapaxes"),
        *("moveaxis", "roll", "flip", "fliplr", "flipud", "rot90", "squeeze", "expand_dims", "broadcast_to", "tile"),
        *("repeat", "diagonal", "diag", "take", "take_along_axis", "pad", "tril", "triu", "negative", "positive"),
        *("split", "array_split", "chunk", "unstack", "stop_gradient", "view_as", "gradient"),
    ]
)
_JOINS = frozenset({"concatenate", "stack", "hstack", "vstack", "dstack", "column_stack", "array", "block"})
_PRODUCTS = frozenset({"matmul", "dot", "outer", "inner", "kron", "tensordot", "bmm", "mv", "mm"})
_ARITHMETIC = frozenset({"add", "subtract", "multiply", "divide", "power"})
_OF_ONE: dict[str, Callable[[Complex], Complex]] = {
    "exp": exponential,
    "log": logarithm,
    "sqrt": square_root,
    "square": lambda z: bilinear(lambda x, y: apply("multiply", x, y), z, z),
}
Call = Callable[[list[Value], dict[str, Value]], Value]


def holds_complex(arguments: list[Value]) -> bool:
    """Whether an argument, or an entry of a list among them, is complex."""
    return any(
        isinstance(value, Complex) or (isinstance(value, (list, tuple)) and any(isinstance(v, Complex) for v in value))
        for value in arguments
    )


def of_complex(
    entry: Function, context: Context, arguments: list[Value], keywords: dict[str, Value], again: Call
) -> Value:
    """The value of a function of complex arrays; NotImplemented where it takes them itself, or none.

    Args:
        again: the same function of real arrays.
    """
    name = entry.name
    if name in _OF_ONE and len(arguments) == 1:
        return _OF_ONE[name](as_complex(context, arguments[0]))
    if name in _ARITHMETIC and len(arguments) == 2 and not keywords:
        return binary(context, name, *arguments)
    if name in _LINEAR and isinstance(arguments[0], Complex):
        return _both(arguments[0], lambda part: again([part, *arguments[1:]], keywords))
    if name in _JOINS and isinstance(arguments[0], (list, tuple)) and not holds_complex(arguments[1:]):
        pieces = [as_complex(context, item) for item in arguments[0]]
        real, imag = (
            again([[getattr(piece, side) for piece in pieces], *arguments[1:]], keywords) for side in ("real", "imag")
        )
        return Complex(real, imag)
    if name in _PRODUCTS and len(arguments) >= 2 and not holds_complex(arguments[2:]):
        a, b = (as_complex(context, value) for value in arguments[:2])
        return bilinear(lambda x, y: context.array(again([x, y, *arguments[2:]], keywords)), a, b)
    if name == "einsum" and len(arguments) == 3 and not holds_complex(arguments[:1]):
        a, b = (as_complex(context, value) for value in arguments[1:])
        return bilinear(lambda x, y: context.array(again([arguments[0], x, y], keywords)), a, b)
    if name == "where" and len(arguments) == 3 and not holds_complex(arguments[:1]):
        a, b = (as_complex(context, value) for value in arguments[1:])
        return Complex(again([arguments[0], a.real, b.real], {}), again([arguments[0], a.imag, b.imag], {}))
    if name == "vdot" and len(arguments) == 2:
        a, b = (as_complex(context, value) for value in arguments)
        flipped = Complex(a.real, apply("negative", a.imag))
        return bilinear(lambda x, y: context.array(again([x, y], {})), flipped, b)
    if name == "solve" and len(arguments) == 2:
        return _solved(context, as_complex(context, arguments[0]), as_complex(context, arguments[1]), again)
    return NotImplemented


def _both(value: Complex, change: Callable[[Node], Any]) -> Value:
    real, imag = change(value.real), change(value.imag)
    if isinstance(real, tuple):
        return tuple(Complex(one, other, value.is_tame) for one, other in zip(real, imag, strict=True))
    return Complex(real, imag, value.is_tame)


def _solved(context: Context, a: Complex, b: Complex, again: Call) -> Complex:
    """The solution of a complex system as that of a real one of twice the size."""
    last = a.real.ndim - 1
    upper = apply("concatenate", a.real, apply("negative", a.imag), axis=last)
    lower = apply("concatenate", a.imag, a.real, axis=last)
    whole = apply("concatenate", upper, lower, axis=last - 1)
    axis = max(b.real.ndim - 2, 0)
    found = context.array(again([whole, apply("concatenate", b.real, b.imag, axis=axis)], {}))
    from jaccli.formula.functions.shaping import part

    count = b.real.shape[axis]
    return Complex(part(found, axis, 0, count), part(found, axis, count, count))
