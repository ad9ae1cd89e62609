"""The derivative as a formula of the same language, over whole arrays and for every size.

The derivative's graph is made at several sizes at once, simplified, and written with each length that the shapes of the
inputs determine in terms of them. Every text is read again and compared with the derivative itself before it is given
away; where a shorter text does not hold, a plainer one takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from jaccli.errors import InputError, JaccliError, LimitError, ShapeError
from jaccli.explain.probes import probes
from jaccli.explain.setting import Setting
from jaccli.explain.trial import MOST_ENTRIES, close, largest, sample
from jaccli.export.work import Work
from jaccli.formula.lowered import InputSpec, Lowered
from jaccli.formula.names import CONSTANTS
from jaccli.graph.node import DType, Node, Shape, input_node, show_shape, topological
from jaccli.graph.printing import Program, write
from jaccli.graph.simplify import Simplified, simplified
from jaccli.graph.simplify.rule import Rule
from jaccli.graph.sizes import Sizes, UnknownSizeError, counterparts
from jaccli.runtime.plan import evaluate

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array = Any
_COTANGENTS = ("v", "v1", "v2", "cotangent", "cotangent1")
_TANGENTS = ("u", "u1", "u2", "tangent", "tangent1")


@dataclass(frozen=True)
class Derivation:
    """A derivative that has been written down.

    Attributes:
        program: the lines and the formula.
        node: its graph at the given sizes.
        inputs: the nodes it reads, by name, cotangent and tangents included.
        holds_for_every_size: whether no size of the inputs is part of the text.
        assumed: what the simplification takes for granted, in sentences.
    """

    program: Program
    node: Node
    inputs: Mapping[str, Node]
    holds_for_every_size: bool
    assumed: tuple[str, ...]


Transform = Callable[[Setting], Node]
"""From a lowered formula to the graph of one derivative."""


class Deriver:
    """Writes derivatives of one formula.

    Args:
        text: the formula.
        specs: shape and dtype of each input.
        dtype: of every float.
        point: values of the inputs, for checks and for shapes that depend on them.
        simplify: whether to apply the rewrite rules.
        cotangent: the number that stands for every entry of the cotangent; None: a name does.
        moving: the inputs that have a tangent, where one is asked for; all by default.

    Raises:
        FormulaError, ShapeError: the text is not in the language, or the shapes do not fit.
    """

    def __init__(
        self,
        text: str,
        specs: Mapping[str, InputSpec],
        *,
        dtype: DType = "float64",
        point: Mapping[str, Array] | None = None,
        simplify: bool = True,
        cotangent: float | None = None,
        moving: Sequence[str] = (),
    ) -> None:
        from jaccli.formula.scan import scan
        from jaccli.formula.tree import build_tree

        self._text = text
        self._tree = build_tree(scan(text))
        self._dtype = dtype
        self._specs = dict(specs)
        self._point = {**sample(specs), **(point or {})}
        self._fixed = cotangent
        self._simplify = simplify
        self._limit: LimitError | None = None
        taken = {*specs, *(name for statement in self._tree.statements for name in statement.targets)}
        self.cotangent = _free(_COTANGENTS, taken)
        several = len(moving or specs) > 1
        self.tangents = {
            name: _free((f"u_{name}", f"tangent_{name}") if several else _TANGENTS, taken) for name in moving or specs
        }
        self._base = self._setting(self._lower(self._specs))
        self._wide = [] if self._base.lowered.depends_on_values else probes(self._specs, self._lower_freely)

    @property
    def base(self) -> Setting:
        """The formula at the given sizes."""
        return self._base

    @cached_property
    def _apart(self) -> list[list[Lowered]]:
        """The formula at lengths that agree with none of its numbers, for where the near ones do."""
        return probes(self._specs, self._lower_freely, self._text) if self._wide else []

    def require_number(self, what: str) -> None:
        """Refuses an output of several entries.

        Raises:
            ShapeError: it has several.
        """
        if self._base.output.size != 1:
            raise ShapeError(
                f"{what} is of an output of one entry, and this output has shape {show_shape(self._base.output.shape)}",
                hint="sum(…) makes it a number; --jacobian and --jvp are for every output",
            )

    def derive(self, transform: Transform) -> Derivation:
        """A derivative, written as shortly as holds."""
        node = transform(self._base)
        for program, assumed, general in self._attempts(transform):
            if self._holds(program, node):
                return Derivation(program, node, self._inputs(node), general, assumed)
        if self._limit is not None:
            raise self._limit
        raise AssertionError("the plain text of a graph reads back as the graph")

    def simple(self, derivation: Derivation) -> Derivation:
        """The same with its graph simplified where that holds, for what is written from the graph."""
        if not self._simplify:
            return derivation
        node = derivation.node
        shorter, _, assumed = simplified([node])
        feeds = self._feeds({**self._base.lowered.inputs, **self._inputs(node)})
        if not self._agrees(shorter[0], node, feeds):
            return derivation
        return replace(derivation, node=shorter[0], assumed=tuple(dict.fromkeys((*derivation.assumed, *assumed))))

    def works(self, wrt: Sequence[str], rules: Sequence[Rule], *, any_size: bool) -> Iterator[Work]:
        """The formula and its VJPs as what an export takes: for every size where that can be, then for the given ones.

        Args:
            wrt: the inputs to differentiate for.
            rules: the rewrite rules to apply.
            any_size: whether lengths may be written in terms of the inputs' shapes.
        """
        for graphs in [*self._wide, [self._base.lowered]] if any_size else [[self._base.lowered]]:
            settings = [replace(self._setting(lowered), fixed=None, always=True) for lowered in graphs]
            simple = [self._work_graphs(setting, wrt, rules) for setting in settings]
            count = len(wrt) + 1
            outputs = [found.nodes[:count] for found in simple]
            peers = counterparts(*outputs) if len(outputs) > 1 else {}
            if peers is None:
                continue
            bound = settings[0].lowered.names
            value, *results = outputs[0]
            yield Work(
                text=self._text,
                inputs=dict(settings[0].lowered.inputs),
                cotangent=self.cotangent,
                value=value,
                results=dict(zip(wrt, results, strict=True)),
                given={
                    **{name: spec.shape for name, spec in self._specs.items()},
                    self.cotangent: self._base.output.shape,
                },
                names={node: name for (name, _), node in zip(bound, simple[0].nodes[count:], strict=True)},
                sizes=Sizes(_shapes(settings), peers) if len(settings) > 1 else None,
                assumed=simple[0].assumed,
            )

    def _work_graphs(self, setting: Setting, wrt: Sequence[str], rules: Sequence[Rule]) -> Simplified:
        parts = [setting.output, *(setting.gradient(name) for name in wrt)]
        return simplified([*parts, *(node for _, node in setting.lowered.names)], rules)

    def _attempts(self, transform: Transform) -> Iterator[tuple[Program, tuple[str, ...], bool]]:
        """Texts of one derivative, the best first, the plainest last."""
        for simplify in (True, False) if self._simplify else (False,):
            yield from self._wide_attempts(self._wide, transform, simplify)
            yield from self._wide_attempts(self._apart, transform, simplify)
            found = self._written([self._base], transform, simplify)
            if found is not None:
                yield *found, not any(self._specs[name].shape for name in self._specs)
        yield write([transform(self._base)], hidden=self._hidden(), exact=True, longest=None), (), False

    def _wide_attempts(
        self, lists: Sequence[Sequence[Lowered]], transform: Transform, simplify: bool
    ) -> Iterator[tuple[Program, tuple[str, ...], bool]]:
        wide = [self._written([self._setting(one) for one in graphs], transform, simplify) for graphs in lists]
        # Lengths that need not be equal can make a formula much longer, such as the trace of what is not square.
        texts = [found for found in wide if found is not None]
        for program, assumed in sorted(texts, key=lambda found: len(found[0].text) // 8):
            yield program, assumed, True

    def _written(
        self, settings: Sequence[Setting], transform: Transform, simplify: bool
    ) -> tuple[Program, tuple[str, ...]] | None:
        nodes: list[Node] = []
        names: list[dict[Node, str]] = []
        assumed: tuple[str, ...] = ()
        try:
            for setting in settings:
                node = transform(setting)
                named = [part for _, part in setting.lowered.names]
                if simplify:
                    result = simplified([node, *named])
                    node, *named = result.nodes
                    assumed = result.assumed
                nodes.append(node)
                bound = [name for name, _ in setting.lowered.names]
                # A name with two meanings is given to neither.
                names.append({part: name for name, part in zip(bound, named, strict=True) if self._is_plain(name)})
            sizes = _sizes(settings, nodes, self._inputs(nodes[0])) if len(nodes) > 1 else None
            if len(nodes) > 1 and sizes is None:
                return None
            taken = {*self._specs, self.cotangent, *self.tangents.values(), *CONSTANTS, *self._bound()}
            hidden = self._hidden()
            return write(
                [nodes[0]], sizes=sizes, names=names[0], taken=taken, hidden=hidden, exact=not simplify
            ), assumed
        except (UnknownSizeError, JaccliError):
            return None

    def _is_plain(self, name: str) -> bool:
        return name not in self._specs and self._bound().count(name) == 1

    def _hidden(self) -> set[str]:
        return {*self._specs, *self._bound()}

    def _bound(self) -> list[str]:
        return [name for name, _ in self._base.lowered.names]

    def _setting(self, lowered: Lowered) -> Setting:
        return Setting(lowered, self.cotangent, self.tangents, self._fixed)

    def _inputs(self, node: Node) -> dict[str, Node]:
        found = {part.params["name"]: part for part in topological([node]) if part.primitive.name == "input"}
        order = dict.fromkeys([*self._specs, self.cotangent, *self.tangents.values()])
        return {name: found[name] for name in order if name in found}

    def _lower(self, specs: Mapping[str, InputSpec]) -> Lowered:
        from jaccli.formula.lower import lower

        def compute(node: Node) -> NDArray[Any]:
            feeds = {input_node(name, spec.shape, spec.dtype): self._point[name] for name, spec in specs.items()}
            return evaluate([node], feeds)[0]

        return lower(self._tree, specs, self._dtype, compute)

    def _lower_freely(self, specs: Mapping[str, InputSpec]) -> Lowered:
        from jaccli.formula.lower import lower

        return lower(self._tree, specs, self._dtype, lambda node: evaluate([node], {})[0])

    def _holds(self, program: Program, node: Node) -> bool:
        """Whether the text, read again, has the numbers of the derivative at the point."""
        from jaccli.formula.lower import lower
        from jaccli.formula.scan import scan
        from jaccli.formula.tree import build_tree

        inputs = self._inputs(node)
        try:
            tree = build_tree(scan(program.text))
            wanted = {*tree.inputs, *(name for name in tree.optional if name in inputs or name in self._specs)}
            everything = {**self._base.lowered.inputs, **inputs}
            specs = {name: InputSpec(part.shape, part.dtype) for name, part in everything.items() if name in wanted}
            feeds = self._feeds(everything)
            again = lower(tree, specs, self._dtype, lambda part: evaluate([part], feeds)[0]).output
        except LimitError as error:
            self._limit = error
            return False
        except (JaccliError, KeyError):
            return False
        return self._agrees(again, node, feeds)

    def _feeds(self, inputs: Mapping[str, Node]) -> dict[Node, Array]:
        """Values for every input, also for one that the shortened text has lost."""
        extra = {name: InputSpec(part.shape, part.dtype) for name, part in inputs.items() if name not in self._point}
        point = {**self._point, **sample(extra)}
        return {part: point[name] for name, part in inputs.items()}

    def _agrees(self, again: Node, node: Node, feeds: dict[Node, Array]) -> bool:
        """Whether another graph has the numbers of the derivative at the point."""
        if again.shape != node.shape or again.dtype != node.dtype:
            return False
        if sum(part.size for part in topological([node, again])) > MOST_ENTRIES:
            return True
        with np.errstate(all="ignore"):
            try:
                theirs = evaluate([again], feeds)[0]
                *inside, ours = evaluate([part for part in topological([node]) if part.is_float], feeds)
            except JaccliError:
                return True
        return close(theirs, ours, rounding=max(map(largest, inside), default=0.0))


def _sizes(settings: Sequence[Setting], nodes: Sequence[Node], read: Mapping[str, Node]) -> Sizes | None:
    first, *others = nodes
    peers = counterparts([first], *([other] for other in others))
    if peers is None:
        return None
    return Sizes(_shapes(settings), peers)


def _shapes(settings: Sequence[Setting]) -> dict[str, list[Shape]]:
    names = settings[0].lowered.inputs
    return {name: [setting.lowered.inputs[name].shape for setting in settings] for name in names}


def _free(candidates: Sequence[str], taken: set[str]) -> str:
    found = next((name for name in candidates if name not in taken), None)
    if found is None:
        raise InputError(f"the names {', '.join(candidates)} are all inputs; one must be free for the result")
    return found
