"""How each primitive is written: the words, the parts it is made of, and how tightly they bind.

Entry-wise primitives follow the template in their row. For the others there is one function here, or none: then the
primitive is called by its own name.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from jaccli.graph.node import Node, Shape, scalar_value
from jaccli.graph.sizes import Sizes, UnknownSizeError

COMPARED, OR, AND, SUM, PRODUCT, SIGN, POWER, ATOM = 1, 2, 3, 4, 5, 6, 7, 9
LONGEST_ARRAY = 400

_BINDS = {
    "less": COMPARED,
    "less_equal": COMPARED,
    "equal": COMPARED,
    "not_equal": COMPARED,
    "logical_or": OR,
    "logical_and": AND,
    "add": SUM,
    "subtract": SUM,
    "tanh_slope": SUM,
    "multiply": PRODUCT,
    "divide": PRODUCT,
    "remainder": PRODUCT,
    "floor_divide": PRODUCT,
    "negative": SIGN,
    "logical_not": SIGN,
    "power": POWER,
}
_NAMED_NUMBERS = {
    math.pi: "pi",
    math.log(2): "log(2)",
    math.log(10): "log(10)",
    2 / math.sqrt(math.pi): "2/sqrt(pi)",
}
# Kernels whose template is the mathematical formula, which loses digits or a limit where the kernel does not.
_ON_PAPER = frozenset(
    [
        "tanh_slope",
        "bessel_scaled_slope",
        "moving",
        "gammaln_slope",
        "rgamma_slope",
        "digamma_difference",
        "gamma_density",
        "log_less_digamma",
        "binom_slope_first",
        "binom_slope_second",
        "poisson_log_mass",
        "beta_density",
        "dawsn_slope",
        "ellipk_slope",
        "ellipe_slope",
        "erfcx_slope",
        "erfinv_slope",
        "inverse_mills",
        "weighted",
        "log_ratio",
        "exp_square",
        "sine_integral",
        "cosine_integral",
        "hyperbolic_sine_integral",
        "hyperbolic_cosine_integral",
        "fresnel",
        "airy",
        "bessel",
        "spherical_bessel",
    ]
)
_BY_OWN_NAME = frozenset(
    [
        "bessel_scaled_slope",
        "sinc",
        "exprel",
        "log1p_ratio",
        "gammainc_shape_slope",
        "betainc_shape_slope",
        "fresnel_phase",
        "zeta",
        "on_domain",
        "binary_exponent",
        "polynomial",
    ]
)


class Piece(NamedTuple):
    """A text, how tightly it binds, and whether it is a chain of matrix products and nothing else."""

    text: str
    binds: int
    is_chain: bool = False


@dataclass(frozen=True)
class Phrase:
    """How a node is written.

    Attributes:
        children: the nodes whose texts it is made of.
        build: makes the text of theirs.
        binds: how tightly the text binds.
        operations: how many operations the text has besides those of the children.
        is_chain: whether it is a product of matrices.
    """

    children: tuple[Node, ...]
    build: Callable[[Sequence[Piece]], str]
    binds: int = ATOM
    operations: int = 1
    is_chain: bool = False


@dataclass(frozen=True)
class Style:
    """How a graph is written.

    Attributes:
        sizes: where lengths come from; None: they are numbers.
        exact: never a formula that is equal on paper only.
        sketch: for readers only: what repeats, casts and guards is left out.
        longest: how many numbers of an array are written out; None: all.
        named: parts that have a name.
        hidden: names that stand for something else than the constant of that name.
    """

    sizes: Sizes | None = None
    exact: bool = False
    sketch: bool = False
    longest: int | None = LONGEST_ARRAY
    named: frozenset[Node] = frozenset()
    hidden: frozenset[str] = frozenset()

    def opens(self, product: Node) -> bool:
        """Whether a product inside a longer one is written as part of it."""
        return product not in self.named

    def across(self, node: Node, read: Callable[[Node], Any]) -> tuple[Any, ...]:
        """What `read` gives for the node in each of the graphs."""
        return (read(node),) if self.sizes is None else self.sizes.across(node, read)

    def number(self, values: Sequence[int]) -> str:
        """A length."""
        return str(values[0]) if self.sizes is None else self.sizes.number(values)

    def shape(self, shapes: Sequence[Shape]) -> str:
        """A shape: that of an input, or a tuple of lengths."""
        name = None if self.sizes is None else self.sizes.name_of_shape(shapes)
        if name is not None:
            return f"{name}.shape"
        lengths = [self.number(values) for values in zip(*shapes, strict=True)]
        return f"({', '.join(lengths)}{',' if len(lengths) == 1 else ''})"

    def like(self, shapes: Sequence[Shape]) -> str | None:
        """The input that has this shape."""
        return None if self.sizes is None else self.sizes.name_of_shape(shapes)


def phrase(node: Node, style: Style) -> Phrase:
    """How a node is written."""
    name = node.primitive.name
    if style.sketch:
        shorter = _sketched(node)
        if shorter is not None:
            return shorter
    if name == "input":
        return Phrase((), lambda _: str(node.params["name"]), operations=0)
    if name == "constant":
        return _constant(node, style)
    from jaccli.graph.idioms import idiom
    from jaccli.graph.wording import WORDING

    found = idiom(node, style)
    if found is not None:
        return found
    if name in WORDING:
        worded = WORDING[name](node, style)
        if worded is not None:
            return worded
    elif node.primitive.elementwise and node.primitive.template and not _is_kept(node, style):
        return _by_template(node, node.primitive.template, style)
    return by_own_name(node, style)


def _is_kept(node: Node, style: Style) -> bool:
    """Whether the template would be another function than the primitive."""
    name = node.primitive.name
    # The functions of the language take integers as floats.
    counts = node.dtype == "int64" and name not in _BINDS
    return counts or name in _BY_OWN_NAME or (style.exact and name in _ON_PAPER)


def _sketched(node: Node) -> Phrase | None:
    """The node without what only a machine needs."""
    if node.primitive.name in ("cast", "on_domain") or (node.primitive.name == "reshape" and node.size == 1):
        return passed_on(node.args[0])
    if node.primitive.name == "broadcast_to" and node.args[0].size == 1:
        return passed_on(node.args[0])
    return None


def passed_on(node: Node) -> Phrase:
    """The text of another node, unchanged; in brackets where it would need them."""
    return Phrase((node,), lambda pieces: at_least(pieces[0], ATOM), operations=0)


def at_least(piece: Piece, binds: int) -> str:
    """The text, in brackets unless it binds as tightly as that."""
    return piece.text if piece.binds >= binds else f"({piece.text})"


def called(name: str, children: Sequence[Node], *options: str) -> Phrase:
    """`name(children, options)`."""
    return Phrase(tuple(children), lambda pieces: f"{name}({', '.join([*(piece.text for piece in pieces), *options])})")


def by_own_name(node: Node, style: Style) -> Phrase:
    """`jaccli.NAME(…, parameter=…)`."""
    options = [f"{key}={_parameter(node, key, style)}" for key in node.params]
    return called(f"jaccli.{node.primitive.name}", node.args, *options)


def _parameter(node: Node, key: str, style: Style) -> str:
    return _value(style.across(node, lambda peer: peer.params[key]), style)


def _value(values: tuple[Any, ...], style: Style) -> str:
    first = values[0]
    if isinstance(first, tuple):
        if len({len(value) for value in values}) > 1:
            raise UnknownSizeError("a parameter whose length follows the sizes")
        items = [_value(item, style) for item in zip(*values, strict=True)]
        return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
    if type(first) is int:
        return style.number(values)
    if len(set(values)) > 1:
        raise UnknownSizeError("a parameter that follows the sizes")
    return repr(first)


def _operands(node: Node, style: Style) -> tuple[Node, ...]:
    """The arguments; integers beside a float need not be converted by hand."""
    is_plain = [argument.primitive.name != "cast" and argument.is_float for argument in node.args]
    if style.exact or node.primitive.name not in ("add", "subtract", "multiply", "divide") or not any(is_plain):
        return node.args
    return tuple(
        argument.args[0] if argument.primitive.name == "cast" and argument.args[0].dtype == "int64" else argument
        for argument in node.args
    )


def _by_template(node: Node, template: str, style: Style) -> Phrase:
    name = node.primitive.name
    operands = _operands(node, style)
    own = _BINDS.get(name, ATOM)
    keeps_floats = not any(argument.is_float and scalar_value(argument) is None for argument in node.args)

    def build(pieces: Sequence[Piece]) -> str:
        plain = [
            piece if keeps_floats else _shorter(argument, piece)
            for argument, piece in zip(operands, pieces, strict=True)
        ]
        if own == ATOM or name == "tanh_slope":
            return template.format(*(piece.text for piece in plain), **node.params)
        bare = name == "multiply" and not style.exact and is_product_of_entries(node.args[1])
        return _joined(name, template, own, plain, bare)

    if name == "less" and scalar_value(node.args[0]) is not None:
        return _turned(node, keeps_floats)
    return Phrase(operands, build, own, operations=_operations(template))


def _operations(template: str) -> int:
    bare = template.replace("{", "").replace("}", "")
    return max(1, sum(bare.count(sign) for sign in ("+", "*", "/", "(", "@")) - 2 * bare.count("**") // 2)


def _turned(node: Node, keeps_floats: bool) -> Phrase:
    """`x > 0` for `0 < x`."""
    number, other = node.args

    def build(pieces: Sequence[Piece]) -> str:
        first = pieces[0] if keeps_floats else _shorter(number, pieces[0])
        return f"{at_least(pieces[1], SUM)} > {at_least(first, SUM)}"

    return Phrase((number, other), build, COMPARED)


def _shorter(argument: Node, piece: Piece) -> Piece:
    """A whole number without its point, where the array beside it tells that it is a float."""
    if argument.primitive.name == "constant" and piece.text.endswith(".0"):
        return piece._replace(text=piece.text[:-2])
    return piece


def is_product_of_entries(node: Node) -> bool:
    """Whether a node is a product or a quotient, entry by entry."""
    return node.primitive.name in ("multiply", "divide")


def _joined(name: str, template: str, own: int, pieces: Sequence[Piece], bare: bool) -> str:
    if name == "negative":
        (piece,) = pieces
        leads = piece.binds == PRODUCT and not piece.text.startswith("-")
        return template.format(piece.text if leads else at_least(piece, SIGN + 1))
    shown = []
    for position, piece in enumerate(pieces):
        after = position > 0 and name in ("subtract", "divide", "multiply", "remainder", "floor_divide")
        needed = own + 1 if after or (name == "power" and position == 0) or own == COMPARED else own
        if name == "power" and position == 1:
            needed = SIGN
        text = at_least(piece, needed)
        if position > 0 and name in ("add", "subtract") and text.startswith("-"):
            text = f"({text})"
        shown.append(text)
    if name in ("multiply", "divide") and " @ " in pieces[0].text and pieces[0].binds == PRODUCT:
        template = template.replace("*", " * ").replace("/", " / ")
    if name == "multiply" and pieces[1].binds == PRODUCT:
        # Brackets around the second factor would change the order of rounding and nothing else.
        is_plain = bare and " @ " not in pieces[1].text and not pieces[1].text.startswith("-")
        shown[1] = pieces[1].text if is_plain or _is_number(pieces[0].text) else shown[1]
    return template.format(*shown)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _constant(node: Node, style: Style) -> Phrase:
    values = style.across(node, _entries)
    shapes = style.across(node, lambda peer: peer.shape)
    if len(set(shapes)) > 1:
        raise UnknownSizeError("an array of numbers whose shape follows the sizes")
    if node.shape:
        if len(set(values)) > 1:
            raise UnknownSizeError("an array of numbers that follow the sizes")
        if style.longest is not None and node.size > style.longest:
            raise UnknownSizeError("an array of many numbers")
        text = _nested([_shown(value, style.hidden) for value in values[0]], node.shape)
        return Phrase((), lambda _: text if node.size else f"zeros({node.shape})", operations=0)
    numbers = [value[0] for value in values]
    if any(number != numbers[0] for number in numbers) and not all(number != number for number in numbers):
        assert style.sizes is not None
        return _of_sizes(style.sizes.real(numbers))
    text = _shown(numbers[0], style.hidden)
    if style.sketch and text.endswith(".0"):
        text = text[:-2]
    binds = SIGN if text.startswith("-") else PRODUCT if "/" in text else ATOM
    return Phrase((), lambda _: text, binds, operations=0)


def _of_sizes(text: str) -> Phrase:
    binds = SUM if " " in text else PRODUCT if "*" in text or "/" in text else ATOM
    return Phrase((), lambda _: text, binds, operations=0)


def _entries(node: Node) -> tuple[Any, ...]:
    code = {"float64": "d", "float32": "f", "int64": "q", "bool": "?"}[node.dtype]
    return struct.unpack(f"<{node.size}{code}", node.params["data"])


def _shown(number: Any, hidden: frozenset[str]) -> str:
    if not isinstance(number, float):
        return str(number)
    if number in _NAMED_NUMBERS and ("pi" not in hidden or "pi" not in _NAMED_NUMBERS[number]):
        return _NAMED_NUMBERS[number]
    if number != number:
        return "nan" if "nan" not in hidden else "NaN"
    if math.isinf(number):
        infinity = "inf" if "inf" not in hidden else "oo"
        return infinity if number > 0 else f"-{infinity}"
    return repr(number)


def _nested(texts: list[str], shape: Shape) -> str:
    for length in reversed(shape):
        texts = [f"[{', '.join(texts[i : i + length])}]" for i in range(0, len(texts), max(length, 1))]
    return f"array({texts[0] if texts else '[]'})"
