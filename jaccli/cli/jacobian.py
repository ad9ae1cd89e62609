"""`jaccli jacobian`: ∂output/∂input."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from jaccli.cli.command import command
from jaccli.cli.options import Chunk, Heatmap, Layout, Mode, NumericFileOutput, Problem, Sparse
from jaccli.errors import UsageError
from jaccli.io import destination

if TYPE_CHECKING:
    from jaccli.cli.request import Request
    from jaccli.io.report import Block

_WIDTH_IN_A_PIPE = 100


@dataclass(frozen=True, kw_only=True)
class JacobianOutput(NumericFileOutput):
    """An output that may also be an image file."""

    own_extensions: ClassVar[tuple[str, ...]] = (".png", ".svg")


@command(example='jaccli jacobian "W @ x" --W randn:2x3 --x ones:3 --wrt x')
def run(
    problem: Problem,
    output: JacobianOutput,
    layout: Layout = None,
    sparse: Sparse = False,
    mode: Mode = "auto",
    chunk: Chunk = None,
    heatmap: Heatmap = False,
) -> None:
    """The Jacobian ∂output/∂input for each input.

    As a tensor it has the output's axes and then the input's; as a matrix it has a row for each entry of the
    output and a column for each entry of the input. --sparse gives a matrix. --heatmap draws it in colours;
    -o FILE.png or .svg writes that as an image.
    """
    from jaccli.cli.blocks import jacobians, worth_a_pattern
    from jaccli.cli.request import read
    from jaccli.explain.question import Question

    drawn = heatmap or output.own_extension is not None
    if sparse and layout == "tensor":
        raise UsageError("--sparse gives a matrix", hint="leave out --layout tensor or --sparse")
    if drawn and layout == "tensor":
        raise UsageError("a heat map shows a matrix", hint="leave out --layout tensor")
    request = read("jacobian", problem, output)
    if heatmap and request.presentation.format not in ("table", "plain"):
        chosen = request.presentation.format
        raise UsageError(f"--heatmap is a picture, and {chosen} holds numbers", hint="use -o FILE.png or leave one out")
    blocks = request.formula.jacobian(request.point, wrt=request.wrt, sparse=sparse, mode=mode, chunk=chunk)
    shape = request.formula.output_shape(request.point)
    patterns = None
    if not sparse and (drawn or request.shows_structure) and worth_a_pattern(blocks.values()):
        patterns = request.formula.sparsity(request.point, wrt=request.wrt)
    found = jacobians(blocks, shape, request.point, patterns)
    if drawn:
        _draw([block.as_matrix() for block in found], request, output)
        return
    matrix = layout == "matrix" or (layout is None and not request.keeps_axes)
    request.write(found, Question("jacobian"), value=request.value(), matrix=matrix)


def _draw(blocks: Sequence[Block], request: Request, output: JacobianOutput) -> None:
    from jaccli.explain.question import Question

    request.report(blocks, questions=[Question("jacobian")])
    request.say_notes()
    if output.own_extension is not None:
        from jaccli.explain.heatmap_image import image

        destination.send(image(blocks, output.own_extension), request.presentation)
    elif destination.draws_lines(request.presentation) and not os.environ.get("NO_COLOR"):
        from jaccli.explain.heatmap import coloured
        from jaccli.io.writers.terminal import console

        width = destination.terminal_width()
        for block in blocks:
            for line in coloured(block, width):
                console(width).print(line, soft_wrap=True)
    else:
        from jaccli.explain.heatmap import shaded

        width = destination.text_width() or _WIDTH_IN_A_PIPE
        shades = destination.shades(request.presentation)
        lines = [line for block in blocks for line in shaded(block, width, shades)]
        destination.send("\n".join(lines) + "\n", request.presentation)
