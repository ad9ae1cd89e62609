"""Special functions of one or two entries."""

from __future__ import annotations

from jaccli.formula.functions.registry import Floats, function
from jaccli.graph.node import Node, apply
from jaccli.graph.primitive import table

FAMILY = "Special functions"


def _entry(primitive: str, *synonyms: str) -> None:
    row = table()[primitive]
    if len(row.cases[0].shapes) == 1:

        def unary(x: Floats) -> Node:
            return apply(primitive, x)

        unary.__doc__ = row.doc
        function(FAMILY, *synonyms, name=primitive, kinks=row.kinks, example=f"{primitive}(x)")(unary)
        return

    def binary(x: Floats, y: Floats) -> Node:
        return apply(primitive, x, y)

    binary.__doc__ = row.doc
    function(FAMILY, *synonyms, name=primitive, kinks=row.kinks, example=f"{primitive}(x, y)")(binary)


_entry("erf")
_entry("erfc")
_entry("xlogy")
