"""The table of functions of the language: one decorated Python function each.

The function's signature is its signature in the language, its docstring the line that `jaccli ops` prints, and
its body says how it is put together from primitives. Annotations convert arguments: `Array` takes anything
that is an array, `Floats` an array of floats, `Axis` None, a whole number or several, `Whole` a whole number,
`Flag` a truth value, `Arrays` a list of arrays, `Any` the value as it stands.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from jaccli.errors import FormulaError, nearest
from jaccli.formula.functions.arguments import IGNORED, KEYWORDS, TORCH_ONLY, order
from jaccli.formula.functions.complex_arrays import holds_complex, of_complex
from jaccli.formula.functions.refusals import refusal
from jaccli.formula.names import Dialect, Qualified, split_prefix
from jaccli.formula.values import Context, Value, describe, to_float
from jaccli.graph.node import Node

Array = Node
Floats = Node
Arrays = list[Node]
Axis = int | tuple[int, ...] | None
Whole = int
Flag = bool
Builder = TypeVar("Builder", bound=Callable[..., Value])


@dataclass(frozen=True)
class Function:
    """A function of the language.

    Attributes:
        name: as NumPy calls it, where NumPy has it.
        family: the heading it is listed under.
        synonyms: other names for the same.
        signature: parameters and defaults, as written in a formula.
        doc: what it computes, one line.
        kinks: its convention where the derivative is not defined, one sentence, or nothing.
        example: a formula that uses it.
    """

    name: str
    family: str
    synonyms: tuple[str, ...]
    build: Callable[..., Value]
    kinks: str
    example: str

    # A signature takes longer to read than most formulas, so that each waits until it is asked for.

    @functools.cached_property
    def doc(self) -> str:
        """What it computes, the first line for a table."""
        return inspect.getdoc(self.build) or ""

    @functools.cached_property
    def parameters(self) -> tuple[inspect.Parameter, ...]:
        """What a formula may pass."""
        return tuple(p for p in inspect.signature(self.build).parameters.values() if p.name != "context")

    @functools.cached_property
    def takes_context(self) -> bool:
        """Whether `build` is told of the formula that it stands in."""
        return "context" in inspect.signature(self.build).parameters

    @property
    def signature(self) -> str:
        """`name(x, axis=None)`."""
        shown = []
        for parameter in self.parameters:
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                shown.append(f"*{parameter.name}")
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                shown.append(f"**{parameter.name}")
            elif parameter.default is inspect.Parameter.empty:
                shown.append(parameter.name)
            else:
                shown.append(f"{parameter.name}={parameter.default!r}")
        return f"{self.name}({', '.join(shown)})"


_BY_NAME: dict[str, Function] = {}


def function(
    family: str, *synonyms: str, name: str | None = None, kinks: str = "", example: str = ""
) -> Callable[[Builder], Builder]:
    """Enters the decorated function into the table, under its own name without a trailing underscore."""

    def enter(build: Builder) -> Builder:
        own = name or build.__name__.removesuffix("_")
        entry = Function(own, family, synonyms, build, kinks, example)
        for spelling in (own, *synonyms):
            if spelling in _BY_NAME:
                raise ValueError(f"two functions are called {spelling}")
            _BY_NAME[spelling] = entry
        return build

    return enter


@functools.cache
def functions() -> dict[str, Function]:
    """All functions by every spelling."""
    import jaccli.formula.functions  # noqa: F401 - the entries register themselves

    return _BY_NAME


def catalogue() -> list[Function]:
    """Every function once, by family and in the order of the table."""
    return list(dict.fromkeys(functions().values()))


def find(path: str) -> tuple[Function, Qualified]:
    """The function behind a name with or without a prefix; a `FormulaError` suggests the nearest name."""
    qualified = split_prefix(path)
    if qualified.prefix == "jaccli":
        from jaccli.formula.functions.kernels import kernel

        entry = kernel(qualified.name)
        if entry is None:
            raise FormulaError(
                f"unknown primitive {qualified.name}", hint="jaccli derive --no-simplify shows their names"
            )
        return entry, qualified
    table = functions()
    special = f"{qualified.dialect}.{qualified.name}"
    functional = f"F.{qualified.name}"
    if qualified.prefix in ("F", "torch.nn.functional", "nn.functional") and functional in table:
        return table[functional], qualified
    under_lax = qualified.prefix.endswith("lax")
    for spelling in (f"lax.{qualified.name}" if under_lax else special, special, qualified.name):
        if spelling in table:
            return table[spelling], qualified
    from jaccli.formula.functions.ufuncs import method_of

    method = method_of(qualified.name, table)
    if method:
        return method, qualified
    base = _plain_name(qualified.name)
    if base in table:
        return table[base], qualified
    refused = refusal(path)
    if refused:
        raise FormulaError(f"{path} {refused.why}", hint=refused.hint)
    guess = nearest(qualified.name, [known for known in table if "." not in known])
    hint = f"did you mean {guess}? " if guess else ""
    raise FormulaError(f"unknown function {path}", hint=f"{hint}`jaccli ops` lists all functions")


def _plain_name(name: str) -> str:
    """`relu_` and `select_copy` as relu and select: what is changed in place, or copied, has the same value."""
    return name.removesuffix("_") if name.endswith("_") else name.removesuffix("_copy")


def call(
    entry: Function,
    context: Context,
    arguments: list[Value],
    keywords: dict[str, Value],
    dialect: Dialect | None = None,
    prefix: str = "",
    *,
    is_method: bool = False,
) -> Value:
    """The value of a function applied to arguments, converted as its signature says."""
    if TORCH_ONLY & keywords.keys():
        dialect = dialect or "torch"
    if holds_complex(arguments):

        def of_reals(parts: list[Value], options: dict[str, Value]) -> Value:
            return call(entry, context, parts, options, dialect, prefix, is_method=is_method)

        value = of_complex(entry, context, arguments, keywords, of_reals)
        if value is not NotImplemented:
            return value
    context.dialect = dialect
    context.prefix = prefix
    context.is_method = is_method
    context.positional = len(arguments)
    arguments, keywords = _in_our_order(entry, dialect, arguments, keywords)
    positional, named = _bind(entry, context, arguments, keywords)
    if entry.takes_context:
        named["context"] = context
    return entry.build(*positional, **named)


def use(context: Context, name: str, *arguments: Value, **keywords: Value) -> Value:
    """The value of another function of the language, in NumPy's meaning, inside that of one being built."""
    held = context.dialect, context.prefix, context.is_method, context.positional
    try:
        return call(find(name)[0], context, list(arguments), keywords)
    finally:
        context.dialect, context.prefix, context.is_method, context.positional = held


def _in_our_order(
    entry: Function, dialect: Dialect | None, arguments: list[Value], keywords: dict[str, Value]
) -> tuple[list[Value], dict[str, Value]]:
    """Arguments in a library's own order: those that stand elsewhere here become keywords."""
    theirs = order(dialect, entry.name)
    ours = [parameter.name for parameter in entry.parameters]
    agreed = 0
    while agreed < min(len(theirs), len(ours), len(arguments)) and theirs[agreed] == ours[agreed]:
        agreed += 1
    if agreed >= min(len(theirs), len(arguments)):
        return arguments, dict(keywords)
    moved = {name: value for name, value in zip(theirs[agreed:], arguments[agreed:], strict=False) if name != "-"}
    twice = moved.keys() & keywords.keys()
    if twice:
        raise FormulaError(f"{entry.name} is given its argument {min(twice)} twice", hint=_usage(entry))
    return arguments[:agreed] + arguments[len(theirs) :], {**moved, **keywords}


def _bind(
    entry: Function, context: Context, arguments: list[Value], keywords: dict[str, Value]
) -> tuple[list[Value], dict[str, Value]]:
    positional: list[Value] = []
    by_keyword = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
    slots = [p for p in entry.parameters if p.kind not in by_keyword]
    for position, argument in enumerate(arguments):
        if position >= len(slots) and not (slots and slots[-1].kind is inspect.Parameter.VAR_POSITIONAL):
            raise FormulaError(
                f"{entry.name} takes {_count(slots)}, and {len(arguments)} are given", hint=_usage(entry)
            )
        slot = slots[min(position, len(slots) - 1)]
        positional.append(_convert(context, entry, slot, argument))
    taken = {slot.name for slot in slots[: len(positional)] if slot.kind is not inspect.Parameter.VAR_POSITIONAL}
    if slots and slots[-1].kind is inspect.Parameter.VAR_POSITIONAL:
        for slot in slots[len(positional) :]:
            given = [key for key in (slot.name, *_other_names(slot.name)) if key in keywords]
            if not given:
                break
            positional.append(_convert(context, entry, slot, keywords.pop(given[0])))
            taken |= {slot.name} - {slots[-1].name}
    named = _bind_keywords(entry, context, keywords, taken)
    for slot in slots:
        absent = slot.name not in taken and slot.name not in named
        if absent and slot.default is inspect.Parameter.empty and slot.kind is not inspect.Parameter.VAR_POSITIONAL:
            raise FormulaError(f"{entry.name} needs its argument {slot.name}", hint=_usage(entry))
    return positional, named


def _other_names(name: str) -> list[str]:
    return [keyword for keyword, names in KEYWORDS.items() if name in names]


def _bind_keywords(entry: Function, context: Context, keywords: dict[str, Value], taken: set[str]) -> dict[str, Value]:
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = {p.name: p for p in entry.parameters if p.kind not in variable}
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in entry.parameters)
    named: dict[str, Value] = {}
    for keyword, value in keywords.items():
        target = keyword
        if takes_any and keyword not in parameters:
            named[keyword] = value
            continue
        if target not in parameters:
            # diagonal(dim1=, dim2=) counts its axes from 1, transpose(dim0=, dim1=) from 0.
            known = ("axis1",) if keyword == "dim1" and "dim2" in keywords else KEYWORDS.get(keyword, ())
            target = next((name for name in known if name in parameters), "")
        if not target:
            if keyword in IGNORED:
                continue
            guess = nearest(keyword, list(parameters))
            hint = f"did you mean {guess}? " if guess else ""
            raise FormulaError(f"{entry.name} has no option {keyword}", hint=f"{hint}{_usage(entry)}")
        if target in taken or target in named:
            raise FormulaError(f"{entry.name} is given its argument {target} twice", hint=_usage(entry))
        if keyword == "unbiased":
            value = int(bool(context.static(value)))
        named[target] = _convert(context, entry, parameters[target], value)
    return named


def _usage(entry: Function) -> str:
    return f"it is called as {entry.signature}"


def _count(slots: list[inspect.Parameter]) -> str:
    return f"at most {len(slots)} argument{'s' if len(slots) != 1 else ''}"


def _convert(context: Context, entry: Function, slot: inspect.Parameter, value: Value) -> Value:
    what = f"{slot.name} of {entry.name}"
    match slot.annotation:
        case "Array":
            return context.array(value)
        case "Floats":
            return context.floats(value)
        case "Arrays":
            return arrays(context, value, what)
        case "Axis":
            return axis(context, value, what)
        case "Whole":
            return context.integer(value, what)
        case "Whole | None":
            return None if value is None else context.integer(value, what)
        case "Flag":
            return flag(context, value, what)
        case "str":
            if not isinstance(value, str):
                raise FormulaError(f"{what} must be a text in quotes, and this is {describe(value)}")
            return value
        case "float":
            return _number(context, value, what)
        case "float | None":
            return None if value is None else _number(context, value, what)
        case _:
            return value


def _number(context: Context, value: Value, what: str) -> float:
    number = context.static(value)
    if not isinstance(number, (int, float)):
        raise FormulaError(f"{what} must be a number, and this is {describe(value)}")
    return number if abs(number) < 2**63 else to_float(number)


def arrays(context: Context, value: Value, what: str) -> list[Node]:
    """A list of arrays; an array itself is the list of its rows."""
    if isinstance(value, (list, tuple)):
        nodes = [context.array(item) for item in value]
    else:
        node = context.array(value)
        if node.ndim == 0:
            raise FormulaError(f"{what} must be a list of arrays", hint="write [a, b]")
        from jaccli.formula.functions.shaping import rows

        nodes = rows(node)
    if any(node.is_float for node in nodes):
        nodes = [context.floats(node) for node in nodes]
    return nodes


def axis(context: Context, value: Value, what: str) -> Axis:
    """None, one axis or several."""
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return context.integers(value, what)
    return context.integer(value, what)


def flag(context: Context, value: Value, what: str) -> bool:
    """True or False; 0 and 1 are taken too."""
    static = context.static(value)
    if isinstance(static, (bool, int)) and static in (0, 1):
        return bool(static)
    raise FormulaError(f"{what} must be True or False, and this is {describe(value)}")
