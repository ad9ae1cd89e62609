"""Random texts: formulas that may mean anything, smooth formulas that mean something, and texts of values.

Each takes a `random.Random`, so that a seed names its text, and Hypothesis can choose and shrink it.
"""

from __future__ import annotations

import functools
from random import Random

from fuzzing import calls

NAMES = ("x", "y", "A", "B", "i", "s", "C", "D", "E", "Z", "b")
POINT_TEXTS = {
    "x": "0.5,-1.5,2", "y": "1,2,3", "A": "2,1;1,3", "B": "1,2,3;4,5,6", "i": "int:[0,1,1]", "s": "0.7",
    "C": "4,1,0;1,3,1;0,1,5", "D": "randn:2x3x4", "E": "zeros:0", "Z": "zeros:0x3", "b": "int:[1,0,1]",
}  # fmt: skip
NUMBERS = (
    "0", "1", "2", "3", "-1", "0.5", "1e-3", "7.25", "1e308", "1e-320", "1e400", "10**9", "2**63", "10**400", "64",
    "100", "0.0", "-0.0", "9999999999999999999999", "nan", "inf", "pi", "0x1f", "3.", ".5",
)  # fmt: skip
BINARY = ("+", "-", "*", "/", "**", "@", "//", "%", "<", "<=", ">", ">=", "==", "!=", "&", "|", "^", " and ", " or ")
KEYWORDS = (
    "axis=0", "axis=1", "axis=-1", "axis=None", "axis=(0,1)", "dim=0", "dim=1", "keepdims=True", "keepdim=True", "n=2",
    "k=1", "ord=1", "ord='fro'", "ord=2", "p=2", "ddof=1", "unbiased=False", "eps=1e-5", "alpha=0.3", "beta=2.0",
    "approximate='tanh'", "mode='same'", "mode='reflect'", "offset=1", "dtype=float", "bins=3", "num=4", "full=True",
    "reduction='mean'", "weight=x", "stride=2", "padding=1", "dilation=2", "groups=2", "size=3", "side='right'", "N=4",
    "q=0.5", "initial=1", "where=x>0", "out=x", "axes=1", "repeats=2", "shift=1", "prepend=0", "nosuch=1",
    "descending=True",
)  # fmt: skip
INDICES = (
    "0", "1", "-1", "2", "7", ":", "::2", "::-1", "1:", ":-1", "...", "None", "i", "x>0", "A>0", "[0,1]", "[]", "0.0",
    "x", "5:1", "::0", "10**20", "-9", "1:2:3", "True", "(0,1)", "i[0]", "nan",
)  # fmt: skip
PROPERTIES = ("T", "shape", "size", "ndim", "mT", "real", "imag", "H", "dtype", "data", "flat", "at", "grad", "I")
EINSUMS = (
    "ij,jk",
    "i,i->",
    "ij->ji",
    "ii",
    "ij,j->i",
    "...i,i",
    "i,j,k->ijk",
    "ij->",
    "a b -> b",
    "ij,ij->ij",
    "i->ii",
    "->",
)
NOISE = "()[]{},.:;+-*/%@^&|<>=!~'\"\\ \n\tx1eEjJ_#?$√×²θ∂…\0\x7f\u202e💣"


@functools.cache
def functions() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every name that can be called, and an example of every function."""
    from jaccli.formula.functions.registry import catalogue

    rows = catalogue()
    names = tuple(name for row in rows for name in (row.name, *row.synonyms))
    return names, tuple(row.example for row in rows if row.example)


def wild(random: Random) -> str:
    """A formula that may be right or wrong in any way."""
    choice = random.random()
    if choice < 0.3:
        text = mutated(random, random.choice(functions()[1]))
    elif choice < 0.65:
        text = calls.call(random, lambda: expression(random, random.randint(0, 2)))
    elif choice < 0.72:
        text = noisy(random, random.choice(functions()[1]))
    else:
        text = expression(random, random.randint(1, 4))
    if random.random() < 0.2:
        text = f"{random.choice(NAMES)} = {expression(random, 2)}{random.choice((';', chr(10)))} {text}"
    return noisy(random, text) if random.random() < 0.05 else text


def expression(random: Random, depth: int) -> str:
    """An expression of at most that depth."""
    if depth <= 0:
        return random.choice(NAMES) if random.random() < 0.75 else random.choice(NUMBERS)

    def inner() -> str:
        return expression(random, depth - random.randint(1, 2))

    match random.randrange(14):
        case 0 | 1 | 2:
            return f"({inner()}{random.choice(BINARY)}{inner()})"
        case 3 | 4 | 5 | 6:
            arguments = [inner() for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4)))]
            arguments += random.sample(KEYWORDS, random.choice((0, 0, 0, 1, 1, 2)))
            return f"{random.choice(functions()[0])}({', '.join(arguments)})"
        case 7:
            name = random.choice(functions()[0]).rpartition(".")[2]
            arguments = [inner() for _ in range(random.choice((0, 0, 1, 2)))]
            arguments += random.sample(KEYWORDS, random.choice((0, 0, 1)))
            return f"({inner()}).{name}({', '.join(arguments)})"
        case 8:
            items = random.choices(INDICES, k=random.choice((1, 1, 2, 3)))
            return f"({inner()})[{', '.join(items)}]"
        case 9:
            return f"({inner()}).{random.choice(PROPERTIES)}"
        case 10:
            return f"({inner()} if {inner()} else {inner()})"
        case 11:
            return f"[{', '.join(inner() for _ in range(random.randint(0, 3)))}]"
        case 12:
            return f"einsum('{random.choice(EINSUMS)}', {', '.join(inner() for _ in range(random.randint(1, 3)))})"
        case _:
            return f"{random.choice('-+~')}{inner()}"


def mutated(random: Random, text: str) -> str:
    """A text in which some words and numbers are replaced."""
    from jaccli.errors import JaccliError
    from jaccli.formula.tokens import tokenize

    try:
        tokens = [token for token in tokenize(text) if token.kind != "end"]
    except JaccliError:
        return text
    pieces = []
    for token in tokens:
        piece = token.text
        if random.random() < 0.25 and token.kind in ("name", "number"):
            piece = random.choice(
                (expression(random, 1), random.choice(NUMBERS), random.choice(NAMES), "None", "-1", "True")
            )
        elif random.random() < 0.04:
            piece = random.choice(("", piece * 2, random.choice(BINARY), ",", "("))
        pieces.append(repr(piece) if token.kind == "text" and piece == token.text and piece[:1] not in "'\"" else piece)
    return " ".join(pieces)


def noisy(random: Random, text: str) -> str:
    """A text with some of its characters lost, doubled, moved or replaced."""
    letters = list(text)
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(letters) + 1)
        match random.randrange(4):
            case 0:
                letters[place : place + 1] = []
            case 1:
                letters.insert(place, random.choice(NOISE))
            case 2:
                letters[place:place] = letters[place : place + 3]
            case _:
                letters[place : place + 1] = random.choice(NOISE)
    return "".join(letters)


SMOOTH = ("sin", "cos", "tanh", "exp", "arctan", "sigmoid", "softplus", "square", "erf", "sinh", "gelu", "log1p_square")
REDUCTIONS = ("sum", "mean", "logsumexp", "norm", "prod", "var")


def smooth(random: Random, shape: tuple[int, ...], depth: int) -> str:
    """A smooth formula of x (3), y (3), A (2, 3), C (3, 3) and s () that has the given shape, (), (3,) or (3, 3)."""
    if depth <= 0:
        return random.choice({(): ("s", "0.3"), (3,): ("x", "y", "A[0]", "C[:, 1]"), (3, 3): ("C", "C.T")}[shape])

    def inner(kind: tuple[int, ...]) -> str:
        return smooth(random, kind, depth - 1)

    choice = random.random()
    if choice < 0.3:
        name = random.choice(SMOOTH)
        return f"log(1 + ({inner(shape)})**2)" if name == "log1p_square" else f"{name}({inner(shape)})"
    if choice < 0.6:
        other = random.choice([shape, ()])
        return f"({inner(shape)} {random.choice('+-*')} {inner(other)})"
    if choice < 0.7:
        return f"({inner(shape)} / (2 + sin({inner(())})))"
    if shape == ():
        kind = random.choice([(3,), (3, 3)])
        return f"{random.choice(REDUCTIONS)}({inner(kind)})" if choice < 0.9 else f"({inner((3,))} @ {inner((3,))})"
    if shape == (3,):
        return random.choice(
            (
                f"({inner((3, 3))} @ {inner((3,))})",
                f"sum({inner((3, 3))}, axis={random.randint(0, 1)})",
                f"({inner((3, 3))})[{random.randint(0, 2)}]",
                f"cumsum({inner((3,))})",
                f"softmax({inner((3,))})",
                f"concatenate([({inner((3,))})[1:], ({inner((3,))})[:1]])",
                f"where(x > 0, {inner((3,))}, {inner((3,))})",
                f"roll({inner((3,))}, 1)",
            )
        )
    return random.choice(
        (
            f"outer({inner((3,))}, {inner((3,))})",
            f"({inner((3, 3))} @ {inner((3, 3))})",
            f"(({inner((3,))})[:, None] * {inner((3,))})",
            f"({inner((3, 3))}).T",
            f"inv(3*eye(3) + 0.1*tanh({inner((3, 3))}))",
            f"tril({inner((3, 3))})",
            "(A.T @ A)",
        )
    )


def value(random: Random) -> str:
    """The text of a value, right or wrong."""
    generators = (
        "eye",
        "ones",
        "zeros",
        "full",
        "arange",
        "linspace",
        "rand",
        "randn",
        "onehot",
        "int",
        "float",
        "nosuch",
    )
    parts = (
        "3",
        "2x3",
        "0",
        "-1",
        "1.5",
        "nan",
        "",
        "1,2",
        "a",
        "9" * 20,
        "1e400",
        "()",
        "2x",
        "1:2",
        "pi",
        "x",
        "@a.npy",
    )

    def number() -> str:
        return random.choice((*NUMBERS, "1/3", "sin(1)", "x", "", " ", "1j", "None", "[1]"))

    match random.randrange(6):
        case 0 | 1:
            return ":".join((random.choice(generators), *random.choices(parts, k=random.randint(0, 3))))
        case 2:
            return random.choice((",", ";", ", ", " ")).join(number() for _ in range(random.randint(0, 4)))
        case 3:
            rows = [f"[{','.join(number() for _ in range(random.randint(0, 3)))}]" for _ in range(random.randint(0, 3))]
            return f"[{','.join(rows)}]"
        case 4:
            return noisy(
                random, random.choice(("[[1,2],[3,4]]", "1,2;3,4", "linspace:0:1:5", "int:[1,2]", "full:2x3:7"))
            )
        case _:
            return expression(random, 2)
