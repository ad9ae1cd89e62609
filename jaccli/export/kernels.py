"""The numbers of a primitive as stand-alone NumPy source.

What a row of the table computes is a Python function. Its source is taken from its module together with everything
that it uses there, so that a generated file needs NumPy (and SciPy where a special function does), and never
this package.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

from jaccli.graph.primitive import Kernel, Prepared, Primitive, Ufunc

_PACKAGE = "jaccli"


class Embedded:
    """Source of kernels and of all that they use. State: what has been taken in, in order of need."""

    def __init__(self) -> None:
        self.imports: dict[str, None] = {}
        self._texts: dict[str, str] = {}
        self._names: dict[int, str] = {}

    @property
    def text(self) -> str:
        """All definitions, each after those that it needs."""
        return "\n\n\n".join(self._texts.values())

    def kernel(self, row: Primitive) -> str:
        """The name under which the numbers of a primitive can be called: (*arrays, **params) -> array."""
        numeric = row.numeric.plain if isinstance(row.numeric, Prepared) else row.numeric
        if isinstance(numeric, Ufunc):
            return self._ufunc(numeric)
        if isinstance(numeric, Kernel):
            return self._writing(row.name, numeric)
        assert isinstance(numeric, FunctionType)
        return self._function(numeric, row.name)

    def _ufunc(self, numeric: Ufunc) -> str:
        module, name = numeric.source
        if module == "numpy":
            return f"np.{name}"
        parent, _, last = module.rpartition(".")
        self.imports[f"from {parent} import {last}"] = None
        return f"{last}.{name}"

    def _writing(self, name: str, kernel: Kernel) -> str:
        """A kernel that writes into an array, as a function that returns it."""
        assert isinstance(kernel.run, FunctionType)
        run = self._function(kernel.run, f"{name}_into")
        self._texts[f"_{name}"] = (
            f"def _{name}(*arrays):\n"
            "    out = np.empty(np.broadcast_shapes(*map(np.shape, arrays)), np.result_type(*arrays))\n"
            f"    {run}(out, *arrays)\n"
            "    return out"
        )
        return f"_{name}"

    def _function(self, function: FunctionType, wanted: str) -> str:
        if id(function) in self._names:
            return self._names[id(function)]
        name = wanted if wanted.startswith("_") else f"_{wanted}"
        while name in self._texts or name in self._names.values():
            name += "_"
        self._names[id(function)] = name
        tree = _definition(function)
        self._bind(tree, function)
        tree.name = name
        body = ast.unparse(self._resolved(tree, sys.modules[function.__module__]))
        self._texts[name] = body
        return name

    def _bind(self, tree: ast.FunctionDef, function: FunctionType) -> None:
        """Values that the function keeps from where it was made become defaults of its parameters."""
        arguments = tree.args
        if function.__defaults__:
            arguments.defaults = [_literal(self._value(value)) for value in function.__defaults__]
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            arguments.kwonlyargs.append(ast.arg(name))
            arguments.kw_defaults.append(_literal(self._value(cell.cell_contents)))

    def _value(self, value: Any) -> str:
        if isinstance(value, FunctionType):
            return self._function(value, value.__name__ if value.__name__.isidentifier() else "part")
        if isinstance(value, Ufunc):
            return self._ufunc(value)
        return repr(value)

    def _resolved(self, tree: ast.FunctionDef, module: Any) -> ast.FunctionDef:
        """The definition without annotations, with everything that it names taken in and named as it is here."""
        tree = _Bare().visit(tree)
        named = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        own = {argument.arg for argument in ast.walk(tree) if isinstance(argument, ast.arg)}
        own |= {node.id for node in named if isinstance(node.ctx, ast.Store)}
        own |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node is not tree}
        names = {node.id for node in named} - own
        renamed = {name: self._global(name, module) for name in sorted(names)}
        made = _Renamed({old: new for old, new in renamed.items() if new is not None}).visit(tree)
        assert isinstance(made, ast.FunctionDef)
        return made

    def _global(self, name: str, module: Any) -> str | None:
        """What a name of a module is called here; None where it is no name of the module."""
        imported = _imports(module).get(name)
        if imported is not None and not imported.startswith(f"from {_PACKAGE}"):
            self.imports[imported] = None
            return name
        if name not in vars(module):
            return None
        value = vars(module)[name]
        if isinstance(value, type) and issubclass(value, Exception):
            self._texts.setdefault(name, _ERROR.format(name))
            return name
        if isinstance(value, type):
            return self._class(value, name)
        if isinstance(value, FunctionType):
            return self._function(value, name)
        if callable(getattr(value, "__wrapped__", None)):
            return self._cached(inspect.unwrap(value), name)
        if isinstance(value, Callable) and not isinstance(value, Ufunc):  # type: ignore[arg-type]
            return None
        return self._constant(name, value)

    def _cached(self, function: FunctionType, name: str) -> str:
        """A function whose results are kept, tables for instance."""
        own = self._function(function, name)
        if own in self._texts and not self._texts[own].startswith("@"):  # a function that calls itself is on its way
            self.imports["import functools"] = None
            self._texts[own] = f"@functools.cache\n{self._texts[own]}"
        return own

    def _class(self, kind: type, name: str) -> str:
        if name not in self._texts:
            tree = ast.parse(inspect.getsource(kind)).body[0]
            assert isinstance(tree, ast.ClassDef)
            self.imports["from typing import Any, NamedTuple"] = None
            for field in ast.walk(tree):
                if isinstance(field, ast.AnnAssign):
                    field.annotation = ast.Name("Any", ast.Load())
            self._texts[name] = ast.unparse(_Untyped().visit(tree))
        return name

    def _constant(self, name: str, value: Any) -> str:
        if type(value).__module__.startswith(_PACKAGE):
            self._class(type(value), type(value).__name__)
        text = f"{name} = {_written(value)}"
        while self._texts.get(name, text) != text:
            name += "_"
            text = f"{name} = {_written(value)}"
        self._texts[name] = text
        return name


_ERROR = """class {0}(ArithmeticError):
    def __init__(self, message, hint=None):
        super().__init__(message)"""


def _written(value: Any) -> str:
    kind = type(value).__module__
    if kind == "numpy":
        return f"np.array({value.tolist()!r})"
    return repr(value)


def _literal(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


@functools.cache
def _tree(module: Any) -> ast.Module:
    return ast.parse(inspect.getsource(module))


@functools.cache
def _imports(module: Any) -> dict[str, str]:
    """For each name that a module imports, the line that imports it; those for type checkers count too."""
    found: dict[str, str] = {}
    for node in ast.walk(_tree(module)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                line = type(node)(**{**_fields(node), "names": [alias]})
                found[alias.asname or alias.name] = ast.unparse(ast.fix_missing_locations(line))
    return found


def _fields(node: ast.AST) -> dict[str, Any]:
    return dict(ast.iter_fields(node))


def _definition(function: FunctionType) -> ast.FunctionDef:
    """A function's definition; a lambda as the definition of a function that returns its value."""
    module = sys.modules[function.__module__]
    for node in _candidates(_tree(module), function):
        if isinstance(node, ast.FunctionDef):
            copied = ast.parse(ast.unparse(node)).body[0]
            assert isinstance(copied, ast.FunctionDef)
            copied.decorator_list = []
            return copied
        if isinstance(node, ast.Lambda):
            copied = ast.parse(f"def _():\n    return {ast.unparse(node.body)}").body[0]
            assert isinstance(copied, ast.FunctionDef)
            copied.args = ast.parse(ast.unparse(node), mode="eval").body.args  # type: ignore[attr-defined]
            return copied
    raise LookupError(f"no source of {function.__qualname__}")


def _candidates(tree: ast.Module, function: FunctionType) -> Iterator[ast.AST]:
    """The definitions that the function may come from, the innermost first."""
    code = function.__code__
    # What sets up a call stands at column 0 of the line, outside the lambda.
    places = [(line, column) for line, _, column, end in code.co_positions() if line and column is not None and end]
    if function.__name__ == "<lambda>":
        first, last = min(places), max(places)
        found = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Lambda)
            and (node.lineno, node.col_offset) <= first
            and last <= (node.end_lineno, node.end_col_offset)
        ]
        yield from sorted(found, key=lambda node: (node.lineno, node.col_offset), reverse=True)
    else:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
                starts = [node.lineno, *(decorator.lineno for decorator in node.decorator_list)]
                if code.co_firstlineno in starts:
                    yield node


class _Untyped(ast.NodeTransformer):
    """Leaves out docstrings."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node


class _Bare(_Untyped):
    """Leaves out docstrings and annotations."""

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.copy_location(ast.arg(node.arg), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.value is None:
            return None
        return ast.fix_missing_locations(ast.copy_location(ast.Assign([node.target], node.value), node))


class _Renamed(ast.NodeTransformer):
    """Gives names other names."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.copy_location(ast.Name(self._names.get(node.id, node.id), node.ctx), node)
