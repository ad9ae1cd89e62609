"""Random calls that fit: every function by its signature, with arguments of the kind that each parameter takes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from random import Random

SIZES = ("0", "1", "2", "3", "-1", "5", "64", "1000", "10**5", "10**9", "2**31", "2**63", "10**400", "1.5", "i[0]", "s")
AXES = ("0", "1", "-1", "2", "-5", "None", "(0,1)", "(0,0)", "()", "[0]", "(1,0,2)", "True", "10**20", "1.0", "i")
FLAGS = ("True", "False", "1", "0", "2", "None", "b", "'x'")
TEXTS = (
    "''", "'ij,jk->ik'", "'ii'", "'...i,i'", "'->'", "'i->ii'", "'b h w -> b (h w)'", "'(a b) c -> a b c'",
    "'i j -> i'", "'a a -> a'", "'1 2 -> 3'", "'fro'", "'nuc'", "'mean'", "'sum'", "'none'", "'same'", "'full'",
    "'valid'", "'reflect'", "'edge'", "'wrap'", "'symmetric'", "'tanh'", "'linear'", "'nearest'", "'bilinear'",
    "'area'", "'ortho'", "'left'", "'right'", "'ij'", "'amax'", "'float32'", "'int64'", "'bool'", "'complex64'",
    "'reduced'", "'nosuch'",
)  # fmt: skip
LISTS = (
    "[x, y]", "(x, y)", "[]", "[x]", "[x, A]", "[x, s]", "A", "[C, C]", "[x, 1]", "[[1, 2], [3, 4]]", "[E, E]",
    "[i, x]", "[b, x]", "((x, y), (y, x))",
)  # fmt: skip
ARRAYS = (
    "x", "y", "s", "A", "B", "C", "D", "E", "Z", "i", "b", "x[:, None]", "A.T @ A", "x > 0", "arange(6)", "eye(3)",
    "zeros((3, 3))", "zeros((0,))", "ones((2, 0, 3))", "x + 1j*y", "fft(x)", "exp(1j*s)", "full((3,), nan)",
    "D.sum(0)", "full((3, 3), inf)", "ones((2, 3, 8, 8))", "ones((1, 3, 5, 5))", "x*0", "i + 5", "-i",
    "triu_indices(3)", "C[0]", "torch.distributions.Normal(0, s)", "linspace(0, 1, 5)", "broadcast_to(x, (10**9, 3))",
    "zeros(10**6)",
)  # fmt: skip
SHAPES = (
    "(2, 3)", "(3,)", "()", "(-1,)", "(0,)", "(10**9,)", "(10**5, 10**5)", "(2**31, 2**31)", "((1, 1), (2, 2))", "3",
)  # fmt: skip
PREFIXES = (
    "np.", "torch.", "F.", "jnp.", "jax.nn.", "scipy.special.", "np.linalg.", "torch.linalg.", "torch.special.",
    "np.fft.", "math.", "jaccli.", "scipy.linalg.", "jax.lax.",
)  # fmt: skip
METHODS = (
    "at[0].set(1)", "at[i].add(x)", "at[x > 0].set(0)", "at[0].max(s)", "at[0].nosuch(1)", "sum()", "mean(0)",
    "item()", "detach()", "clone()", "to('cpu')", "float()", "view(-1)", "reshape(-1, 1)", "expand(3, 3)",
    "expand(10**9, 3)", "size(0)", "unsqueeze(0)", "t()", "conj()", "fill_(1)", "mul_(s)", "zero_()", "log_prob(x)",
    "rsample()", "entropy()", "cdf(x)", "mean", "variance", "max(0)", "max(dim=0)[0]", "sort()[0]", "topk(2)",
    "unbind(0)", "chunk(2)", "split(1)", "repeat(2, 2)", "permute(1, 0)", "new_zeros(3)", "new_full((10**9,), 2)",
    "new_ones(2, 2)", "unfold(0, 2, 1)", "values", "indices", "masked_fill(b, 0)", "gather(0, i)", "scatter(0, i, x)",
    "index_add(0, i, x)", "take(i)", "inverse()", "logdet()", "backward()", "real", "imag", "mT", "H", "shape[0]",
    "__class__",
)  # fmt: skip
INDICES = (
    "i", "b", "x > 0", "[0, 1]", "[True, False, True]", "[[0, 1], [1, 0]]", "i[:, None]", "None", "...", "::-1",
    "::-2**63", "-2**63:2**63", "slice(0, 2)", "argsort(x)", "where(x > 0)", "nonzero(x)", "ix_(i, i)",
    "triu_indices(3)", "2**31", "zeros(0, dtype=int)", "E", "D > 0", "10**20",
)  # fmt: skip

Inner = Callable[[], str]


@functools.cache
def _keywords() -> tuple[str, ...]:
    from jaccli.formula.functions.registry import catalogue

    return tuple(sorted({parameter.name for row in catalogue() for parameter in row.parameters}))


def call(random: Random, inner: Inner) -> str:
    """A call of a function that may stand, with what may follow it; `inner` gives smaller expressions."""
    from jaccli.formula.functions.registry import catalogue

    row = random.choice(catalogue())
    name = random.choice((row.name, *row.synonyms))
    if random.random() < 0.2 and "." not in name:
        name = random.choice(PREFIXES) + name
    arguments = _arguments(random, row.parameters, inner)
    choice = random.random()
    if choice < 0.04 and arguments:
        arguments.pop()
    elif choice < 0.08:
        arguments.append(f"{random.choice(_keywords())}={_any(random, inner)}")
    by_keyword = bool(arguments) and "=" in arguments[0]
    if random.random() < 0.15 and arguments and not by_keyword and "." not in name:
        return _followed(random, f"({arguments[0]}).{name}({', '.join(arguments[1:])})")
    return _followed(random, f"{name}({', '.join(arguments)})")


def _arguments(random: Random, parameters: tuple[inspect.Parameter, ...], inner: Inner) -> list[str]:
    given: list[str] = []
    named = False
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            given += [_argument(random, parameter, inner) for _ in range(random.randrange(4))]
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        elif parameter.default is not inspect.Parameter.empty and random.random() < 0.5:
            named = True
        else:
            named = named or parameter.kind is inspect.Parameter.KEYWORD_ONLY
            given.append(f"{parameter.name}=" * named + _argument(random, parameter, inner))
    return given


def _argument(random: Random, parameter: inspect.Parameter, inner: Inner) -> str:
    if random.random() < 0.1:
        return _any(random, inner)
    match str(parameter.annotation):
        case "Array" | "Floats":
            return _array(random, inner)
        case "Arrays":
            return random.choice(LISTS)
        case "Axis":
            return random.choice(AXES)
        case "Whole" | "Whole | None":
            return random.choice(SIZES)
        case "Flag":
            return random.choice(FLAGS)
        case "str":
            return random.choice(TEXTS)
        case _:
            return _any(random, inner)


def _array(random: Random, inner: Inner) -> str:
    return inner() if random.random() < 0.4 else random.choice(ARRAYS)


def _any(random: Random, inner: Inner) -> str:
    kinds: tuple[tuple[str, ...], ...] = (ARRAYS, SIZES, AXES, TEXTS, LISTS, SHAPES, SHAPES, FLAGS)
    return inner() if random.random() < 0.25 else random.choice(random.choice(kinds))


def _followed(random: Random, text: str) -> str:
    choice = random.random()
    if choice < 0.08:
        return f"{text}[{', '.join(random.choices(INDICES, k=random.choice((1, 1, 2))))}]"
    if choice < 0.16:
        return f"{text}.{random.choice(METHODS)}"
    return text
