"""What follows a dot: properties (`x.T`, `x.shape`) and methods (`x.sum(dim=1)`)."""

from __future__ import annotations

from jaccli.errors import FormulaError, nearest
from jaccli.formula.complex import Complex
from jaccli.formula.functions.refusals import refusal
from jaccli.formula.functions.registry import call, find, functions
from jaccli.formula.updates import At, Update, update
from jaccli.formula.values import Context, FloatLimits, Pair, Parts, RandomVariable, Value, describe, of_kind
from jaccli.graph.node import apply, reshape
from jaccli.graph.primitive import normal_axis

_PASS = frozenset(
    [
        "clone",
        "contiguous",
        "double",
        "float",
        "numpy",
        "cpu",
        "cuda",
        "to",
        "copy",
        "tolist",
        "astype",
        "type",
        "real",
        "conj",
        "conjugate",
        "evaluate_",
        "requires_grad_",
        "retain_grad",
        "block_until_ready",
        "doit",
        "eval_",
        "half",
        "bfloat16",
        "type_as",
    ]
)
_PARTS = {
    **{"U": 0, "S": 1, "Vh": 2, "Q": 0, "R": 1, "eigenvalues": 0, "eigenvectors": 1},
    **{"sign": 0, "logabsdet": 1, "L": 0},
}
"""Names of the parts of a decomposition, by their place."""
_FUNCTION_PROPERTIES = {"T": "T", "mT": "mT", "H": "T", "mH": "mT", "I": "inv", "real": "real", "flat": "ravel"}


def read_property(context: Context, value: Value, name: str) -> Value:
    """`value.name`."""
    if isinstance(value, FloatLimits):
        return value.entry(name)
    if isinstance(value, RandomVariable):
        return value.ask(name, called=False)
    if isinstance(value, Pair) and name in ("values", "indices"):
        return value.values if name == "values" else value.indices
    if name == "values":
        return context.array(value)
    if isinstance(value, Pair) and name == "solution":
        return value.values
    if isinstance(value, Parts) and name in value.names:
        return value[value.names.index(name)]
    if isinstance(value, tuple) and name in _PARTS and _PARTS[name] < len(value):
        return value[_PARTS[name]]
    if isinstance(value, Complex) and name in ("real", "imag"):
        return value.real if name == "real" else value.imag
    if isinstance(value, Complex) and name in ("shape", "size", "ndim", "T", "mT", "H", "mH"):
        return _of_complex(context, value, name)
    node = context.array(value)
    if name == "at":
        return At(node)
    if name == "shape":
        return node.shape
    if name == "size":
        return node.size
    if name == "ndim":
        return node.ndim
    if name in ("nbytes", "itemsize"):
        return 8 * (node.size if name == "nbytes" else 1)
    if name == "dtype":
        return node.dtype
    if name in ("data",):
        return apply("stop_gradient", node)
    if name in _FUNCTION_PROPERTIES:
        entry, _ = find(_FUNCTION_PROPERTIES[name])
        return call(entry, context, [node], {})
    if name in functions():
        raise FormulaError(f"the method .{name} stands without its brackets", hint=f"write .{name}()")
    guess = nearest(name, ["T", "mT", "shape", "size", "ndim", *functions()])
    raise FormulaError(f"an array has no property {name}", hint=f"did you mean .{guess}?" if guess else None)


def _of_complex(context: Context, value: Complex, name: str) -> Value:
    if name in ("shape", "size", "ndim"):
        return read_property(context, value.real, name)
    flipped = value if name in ("T", "mT") else Complex(value.real, apply("negative", value.imag))
    return flipped.each(lambda part: read_property(context, part, "T" if name in ("T", "H") else "mT"))


def call_method(context: Context, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """`arguments[0].name(*arguments[1:])`: the function of that name, and a few that only methods have."""
    value, *others = arguments
    if isinstance(value, Update):
        return update(context, value, name, others)
    if isinstance(value, RandomVariable):
        return value.ask(name, [context.floats(item) for item in (*others, *keywords.values())], called=True)
    if name in ("detach", "stop_gradient"):
        return apply("stop_gradient", context.array(value))
    if name == "backward":
        raise FormulaError(
            "backward() is what `jaccli vjp` does", hint="leave it out; the last line of a formula is its output"
        )
    if name == "where":
        # PyTorch's method: the array is what is taken where the condition holds.
        entry, _ = find("where")
        condition, *rest = others or [keywords.pop("condition", None)]
        return call(entry, context, [condition, value, *rest], keywords)
    kind = name
    if name in ("astype", "to", "type"):
        kind = str(next((item for item in (*others, keywords.get("dtype")) if isinstance(item, str)), ""))
    if kind in ("long", "short") or "int" in kind or "bool" in kind:
        return of_kind(context, context.array(value), kind)
    if name == "item":
        return _only_entry(context, value)
    if name in _PASS and not (isinstance(value, Complex) and name in ("conj", "conjugate", "real")):
        if name == "requires_grad_":
            context.note("requires_grad is left out: every floating input is differentiated")
        return value
    if name == "size":
        shape = context.array(value).shape
        return shape[normal_axis(context.integer(others[0], "the axis of size()"), len(shape))] if others else shape
    if name in ("dim", "ndimension"):
        return context.array(value).ndim
    if name == "numel":
        return context.array(value).size
    if name.startswith("__"):
        raise FormulaError(f"the name {name} is not in the language")
    method = f".{name}"
    if method in functions():
        return call(functions()[method], context, arguments, keywords, is_method=True)
    if name.endswith("_") and f".{name.removesuffix('_')}" in functions():
        return call_method(context, name.removesuffix("_"), arguments, keywords)
    try:
        entry, _ = find(name)
    except FormulaError as error:
        if refusal(name):
            raise
        guess = nearest(name, [known for known in functions() if known.isidentifier()])
        hint = f"did you mean .{guess}()?" if guess else "`jaccli ops` lists all functions"
        raise FormulaError(f"unknown method {name} of {describe(value)}", hint=hint) from error
    note_in_place(context, name)
    return call(entry, context, arguments, keywords, is_method=True)


def note_in_place(context: Context, name: str) -> None:
    """Tells that a function that changes its array in place, `relu_`, gives a new one here."""
    if name.endswith("_") and name not in functions():
        context.note(f"{name} gives a new array here; the one that it is called on does not change")


def _only_entry(context: Context, value: Value) -> Value:
    node = context.array(value)
    if node.size != 1:
        raise FormulaError(
            f".item() is for an array of one entry, and this has shape {node.shape}",
            hint="leave .item() out, or take one entry: x[0]",
        )
    return reshape(node, ())
