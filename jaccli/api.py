"""The Python API: a formula, parsed once, with its values and derivatives."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaccli.autodiff.diagonal import diagonal
from jaccli.autodiff.program import Mode, Program
from jaccli.autodiff.reverse import pullback
from jaccli.autodiff.vectors import cotangent_for, cotangent_stack, refuse_several_outputs, tangents_for
from jaccli.compiled import compiled
from jaccli.errors import FormulaError, InputError, ShapeError, Span, UsageError
from jaccli.formula.lowered import InputSpec, Lowered
from jaccli.graph.node import DType, Node, input_node, show_shape
from jaccli.runtime.arrays import FLOATS, apart, as_input, dtype_name, own
from jaccli.runtime.memory import exhausted
from jaccli.runtime.plan import evaluate
from jaccli.source import placed

if TYPE_CHECKING:
    from scipy import sparse

    from jaccli.autodiff.sparse import Structure

Array = NDArray[Any]
Point = Mapping[str, ArrayLike]


class Formula:
    """A formula of the language.

    Args:
        text: an expression, or statements whose last is the output.
        dtype: of every float, "float64" or "float32".

    Attributes:
        text: as given.
        inputs: the free names, in order of appearance.
        constants: the constants that it uses (pi, e, …); an input of such a name replaces the constant.
        notes: what the reader should be told about the text.

    Raises:
        FormulaError: where the text is not in the language, with the place.
    """

    def __init__(self, text: str, dtype: DType = "float64") -> None:
        if not isinstance(text, str):
            raise FormulaError("a formula is a text", hint='write Formula("x**2")')
        if dtype not in ("float64", "float32"):
            raise UsageError(f"dtype is float64 or float32, not {dtype}")
        self.text = text
        self.dtype: DType = dtype
        known = compiled(text, dtype)
        self._source = known.source
        self.inputs: tuple[str, ...] = self._source.names.inputs
        self.constants: tuple[str, ...] = self._source.names.optional
        self.notes: tuple[str, ...] = self._source.names.notes
        self._how: Sequence[Callable[[], str]] = ()
        self._programs: dict[tuple[Any, ...], tuple[Program, Lowered]] = known.programs
        weakref.finalize(self, known.trim).atexit = False

    def __repr__(self) -> str:
        return f"Formula({self.text!r})"

    @property
    def how(self) -> tuple[str, ...]:
        """Lines that say how the last Jacobian, diagonal or Hessian was computed: pattern, colours, mode, passes."""
        return tuple(line() for line in self._how)

    @placed
    def value(self, inputs: Point) -> Array:
        """f(inputs), of the output's shape."""
        program, point = self._bind(inputs)
        return program.value(point)

    def output_shape(self, inputs: Point) -> tuple[int, ...]:
        """The shape of f(inputs), found without computing it."""
        return self._bind(inputs)[0].output.shape

    @placed
    def vjp(
        self, inputs: Point, v: ArrayLike | None = None, *, wrt: Sequence[str] | None = None, batched: bool = False
    ) -> dict[str, Array]:
        """vᵀJ for each input.

        Args:
            inputs: values by name.
            v: the cotangent, of the output's shape or a scalar; may be left out for a scalar output. With `batched`
                it has one more leading axis.
            wrt: the inputs to differentiate for; every floating one by default.

        Returns:
            An array like each input; with `batched`, a stack of them.
        """
        program, _, point = self.bound(inputs)
        names = self._names(program, wrt)
        if batched:
            backs = program.vjp_stack(point, cotangent_stack(program, v), names)
        else:
            backs = program.vjp(point, cotangent_for(program, v), names)
        return dict(zip(names, backs))  # noqa: B905 - one a name, and being strict takes as long as making the pairs

    @placed
    def pullback(
        self, inputs: Point, *, wrt: Sequence[str] | None = None
    ) -> tuple[Array, Callable[[ArrayLike | None], dict[str, Array]]]:
        """The value and a function from cotangents to the VJPs; the forward pass is computed once.

        What the backward pass needs of the inputs is copied: they may change before the function is called.
        """
        program, point = self._bind(inputs)
        names = self._names(program, wrt)
        value, staged, residuals = program.pullback(point, names)
        residuals = apart(residuals, point.values())

        def pull(v: ArrayLike | None = None) -> dict[str, Array]:
            cotangent = cotangent_for(program, v)
            backs = staged.finish(residuals, [cotangent])
            return dict(zip(names, own(backs, (*point.values(), *residuals, cotangent)), strict=True))

        return value.copy(), pull

    @placed
    def jvp(self, inputs: Point, tangents: Point, *, wrt: Sequence[str] | None = None) -> Array:
        """J·u, of the output's shape; inputs without a tangent are held fixed.

        Args:
            inputs: values by name.
            tangents: for at least one floating input, an array of its shape or a scalar.
        """
        program, point = self._bind(inputs)
        if wrt is not None:
            left_out = [name for name in tangents if name not in self._names(program, wrt)]
            if left_out:
                raise InputError(f"the tangent of {left_out[0]} is given, and --wrt leaves {left_out[0]} out")
        moving = tangents_for(program, tangents)
        return program.jvp(point, moving)

    @placed
    def jacobian(
        self,
        inputs: Point,
        *,
        wrt: Sequence[str] | None = None,
        sparse: bool = False,
        mode: Mode = "auto",
        chunk: int | None = None,
    ) -> dict[str, Any]:
        """The Jacobian's block for each input.

        Args:
            inputs: values by name.
            wrt: the inputs to differentiate for; every floating one by default.
            sparse: give `scipy.sparse.csr_array`s of shape (output size, input size).
            mode: "auto", "reverse", "forward" or "sparse".
            chunk: how many cotangents or tangents to carry at once.

        Returns:
            Arrays of shape output + input, or sparse ones.
        """
        program, point = self._bind(inputs)
        names = self._names(program, wrt)
        _check_chunk(chunk)
        if sparse:
            blocks: dict[str, Any] = {name: program.sparse_jacobian(point, name, chunk) for name in names}
        else:
            blocks = dict(zip(names, program.jacobian(point, names, mode, chunk)))  # noqa: B905 - as in `vjp`
        self._how = program.take_how()
        return blocks

    @placed
    def diagonal(
        self, inputs: Point, *, wrt: Sequence[str] | None = None, batch: int | None = None
    ) -> dict[str, Array]:
        """The diagonal of the Jacobian: ∂yᵢ/∂xᵢ shaped like x; or the per-sample Jacobians of a batch.

        Where the shapes differ, the leading axes that they share are the samples (`batch` of them), and the result
        has shape samples + rest of the output + rest of the input.
        """
        program, point = self._bind(inputs)
        found = {name: diagonal(program, point, name, batch) for name in self._names(program, wrt)}
        self._how = program.take_how()
        return found

    @placed
    def sparsity(self, inputs: Point, *, wrt: Sequence[str] | None = None) -> dict[str, sparse.csr_array]:
        """The pattern of the Jacobian for each input, boolean, of shape (output size, input size).

        It holds for all values of the floating inputs: where it has no entry, the derivative is 0.
        """
        return {name: found.pattern.copy() for name, found in self.structure(inputs, wrt=wrt).items()}

    @placed
    def structure(self, inputs: Point, *, wrt: Sequence[str] | None = None) -> dict[str, Structure]:
        """For each input the pattern of the Jacobian and the plan of passes that gives it."""
        program, point = self._bind(inputs)
        return {name: program.structure(point, name).structure for name in self._names(program, wrt)}

    @placed
    def hessian_sparsity(
        self, inputs: Point, *, wrt: Sequence[str] | None = None
    ) -> dict[str, dict[str, sparse.csr_array]]:
        """The patterns of the Hessian's blocks by two names, boolean; see `sparsity`."""
        program, point = self._bind(inputs)
        refuse_several_outputs(program, "a Hessian")
        names = self._names(program, wrt)
        slopes = dict(zip(names, program.slopes(names), strict=True))
        return {a: {b: slopes[a].structure(point, b).structure.pattern for b in names} for a in names}

    @placed
    def hessian(
        self, inputs: Point, *, wrt: Sequence[str] | None = None, sparse: bool = False, chunk: int | None = None
    ) -> dict[str, dict[str, Any]]:
        """Second derivatives of an output of one entry: blocks by two names, of shape input + input."""
        program, point = self._bind(inputs)
        refuse_several_outputs(program, "a Hessian")
        names = self._names(program, wrt)
        _check_chunk(chunk)
        if sparse:
            slopes = dict(zip(names, program.slopes(names), strict=True))
            found = {a: {b: slopes[a].sparse_jacobian(point, b, chunk) for b in names} for a in names}
            self._how = [line for slope in slopes.values() for line in slope.take_how()]
            return found
        blocks = program.hessian(point, names, chunk)
        self._how = program.take_how()
        return {a: dict(zip(names, row, strict=True)) for a, row in zip(names, blocks, strict=True)}

    @placed
    def hvp(self, inputs: Point, tangents: Point, *, wrt: Sequence[str] | None = None) -> dict[str, Array]:
        """The Hessian times tangents, an array like each input; inputs without a tangent are held fixed."""
        program, point = self._bind(inputs)
        refuse_several_outputs(program, "a Hessian")
        names = self._names(program, wrt)
        moving = tangents_for(program, tangents)
        return dict(zip(names, program.hvp(point, moving, names), strict=True))

    def derivative(self, name: str) -> Formula:
        """Another formula, of this one's inputs and `v`: the VJP for one input."""
        return _Derivative(self, name)

    def _lower(self, specs: Mapping[str, InputSpec], point: Mapping[str, Array]) -> Lowered:
        def compute(node: Node) -> Array:
            feeds = {input_node(name, spec.shape, spec.dtype): point[name] for name, spec in specs.items()}
            return evaluate([node], feeds)[0]

        return self._source.lowered(specs, compute)

    def lowered(self, inputs: Point) -> Lowered:
        """The graph for inputs of these shapes, and where in the text its nodes were written."""
        return self.bound(inputs)[1]

    def _bind(self, inputs: Point) -> tuple[Program, dict[str, Array]]:
        """The program for inputs of these shapes, and their arrays."""
        program, _, point = self.bound(inputs)
        return program, point

    def bound(self, inputs: Point) -> tuple[Program, Lowered, dict[str, Array]]:
        """What everything is computed from: the program for inputs of these shapes, its graph, and the arrays."""
        if type(inputs) is not dict and not isinstance(inputs, Mapping):
            raise InputError("inputs are given by name", hint='write {"x": 3.0}')
        point: dict[str, Array] = {}
        shapes: list[Any] = []
        float_type = FLOATS[self.dtype]
        for name, value in inputs.items():
            if type(value) is np.ndarray and value.dtype is float_type:
                point[name] = value
                shapes += (name, value.shape)
            else:
                point[name] = array = as_input(name, value, self.dtype)
                shapes += (name, array.shape, array.dtype.char)
        key = tuple(shapes)
        found = self._programs.get(key)
        if found is None:
            specs = {name: InputSpec(array.shape, dtype_name(array)) for name, array in point.items()}
            try:
                lowered = self._lower(specs, point)
            except MemoryError as error:
                raise exhausted("an intermediate result") from error
            found = Program(lowered.inputs, lowered.output), lowered
            if not lowered.depends_on_values:
                self._programs[key] = found
        if found[1].notes:
            self.notes = tuple(dict.fromkeys((*self.notes, *found[1].notes)))
        return *found, point

    def _names(self, program: Program, wrt: Sequence[str] | None) -> list[str]:
        known = program.selections.get(wrt if wrt is None else tuple(wrt))
        if known is None:
            known = self._choose(program, wrt)
            program.selections[wrt if wrt is None else tuple(wrt)] = known
        return known

    def _choose(self, program: Program, wrt: Sequence[str] | None) -> list[str]:
        floating = [name for name in self._order(program) if program.inputs[name].is_float]
        if wrt is None:
            if not floating:
                raise InputError(
                    "there is nothing to differentiate: the formula has no floating input",
                    hint="integers are indices and never differentiated; write 3.0, or float:… on the command line"
                    if program.inputs
                    else "jaccli eval computes its value",
                )
            return floating
        for name in wrt:
            if name not in program.inputs:
                raise InputError(
                    f"the formula has no input {name} to differentiate for",
                    hint=f"its inputs are {', '.join(program.inputs)}",
                )
            if name not in floating:
                raise InputError(f"the input {name} holds integers, and these are never differentiated")
        return list(dict.fromkeys(wrt))

    def _order(self, program: Program) -> list[str]:
        first = [name for name in self.inputs if name in program.inputs]
        return first + [name for name in program.inputs if name not in first]


class _Derivative(Formula):
    """The VJP of a formula for one input, as a formula of its inputs and the cotangent."""

    def __init__(self, parent: Formula, name: str) -> None:
        if name not in (*parent.inputs, *parent.constants):
            raise InputError(f"the formula has no input {name}", hint=f"its inputs are {', '.join(parent.inputs)}")
        self.text = f"vjp of ({parent.text}) for {name}"
        self.dtype = parent.dtype
        self.notes = parent.notes
        self._parent = parent
        self._name = name
        self._cotangent_name = next(v for v in ("v", "v1", "v2", "cotangent") if v not in parent.inputs)
        self.inputs = (*parent.inputs, self._cotangent_name)
        self.constants = parent.constants
        self._how = ()
        self._programs = {}

    def _lower(self, specs: Mapping[str, InputSpec], point: Mapping[str, Array]) -> Lowered:
        own = {name: spec for name, spec in specs.items() if name != self._cotangent_name}
        lowered = self._parent._lower(own, point)
        output = lowered.output
        given = specs.get(self._cotangent_name)
        if given is None:
            raise InputError(f"no value is given for the cotangent {self._cotangent_name}")
        if self._name not in lowered.inputs or not lowered.inputs[self._name].is_float:
            raise InputError(f"the input {self._name} holds no floats here, and only these are differentiated")
        if given.shape not in ((), output.shape):
            raise ShapeError(
                f"v has shape {show_shape(given.shape)}, and the output has shape {show_shape(output.shape)}"
            )
        from jaccli.graph.node import broadcast_to

        v = input_node(self._cotangent_name, given.shape, given.dtype)
        (back,) = pullback(output, broadcast_to(v, output.shape), [lowered.inputs[self._name]])
        inputs = {**lowered.inputs, self._cotangent_name: v}
        return Lowered(inputs, back, lowered.origins, lowered.notes, lowered.depends_on_values)


def constant(text: str, dtype: DType = "float64") -> Array:
    """The value of a formula without inputs, such as `pi/4`; a `FormulaError` shows a name that is no constant."""
    formula = Formula(text, dtype)
    if formula.inputs:
        name = formula.inputs[0]
        start = max(text.find(name), 0)
        raise FormulaError(
            f"{name} is not a constant",
            hint="a value is made of numbers, functions and the constants pi, e, tau, inf, nan, euler_gamma",
            text=text,
            span=Span(start, start + len(name)),
        )
    return formula.value({})


def _check_chunk(chunk: int | None) -> None:
    if chunk is not None and chunk < 1:
        raise UsageError(f"a chunk has at least one row, not {chunk}")
