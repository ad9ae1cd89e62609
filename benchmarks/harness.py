"""What every benchmark shares: peers that may be missing, timing in turns, ratios, and the table of results."""

from __future__ import annotations

import gc
import importlib
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

Work = Callable[[], Any]

_ROUNDS = 5
_STEADY = 0.5
_ENOUGH = 0.25


class MissingPeer(Exception):
    """A peer that cannot be imported here, or is known not to manage the task."""


def peer(name: str) -> Any:
    """The module of a peer.

    Raises:
        MissingPeer: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPeer(f"{name} is not installed") from error


class Times(NamedTuple):
    """Seconds of repeated runs."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """Half of the range between the quartiles, relative to the median."""
        if len(self.seconds) == 1:
            return 0.0
        quarter, _, three_quarters = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return (three_quarters - quarter) / 2 / self.median


@dataclass(frozen=True)
class Figure:
    """One line of the results.

    Attributes:
        task: what was done.
        peer: who it was compared with.
        ours, theirs: what was measured, in words.
        ratio: how many times the peer's figure is of ours; None where that means nothing.
        target: the least ratio (or other bound), in words, or "".
        holds: whether the target is met; None where there is none, or it could not be measured.
    """

    task: str
    peer: str
    ours: str
    theirs: str
    ratio: float | None
    target: str = ""
    holds: bool | None = None


@dataclass(frozen=True)
class Comparison:
    """Two ways to one result, which are timed in turns once they have been seen to agree.

    Attributes:
        task, peer: as in `Figure`.
        ours: gives our result, from scratch or warm as the task says.
        prepare: makes the peer's way; it may raise `MissingPeer`.
        agree: raises AssertionError where the two results differ.
        least: the ratio that is wanted.
        repeats: how often ours is run, and how often the peer is; without them, so often that each takes a quarter of
            a second, between 15 and 1000 times.
        told: is given the ratio.
    """

    task: str
    peer: str
    ours: Work
    prepare: Callable[[], Work]
    agree: Callable[[Any, Any], None]
    least: float | None = None
    repeats: tuple[int, int] | None = None
    told: Callable[[float], Any] | None = None

    def figure(self) -> Figure:
        """Runs both, checks that they agree, and compares the medians."""
        gc.collect()
        target = "" if self.least is None else f"≥ {self.least:,g} ×"
        try:
            theirs = self.prepare()
        except MissingPeer as missing:
            return Figure(self.task, self.peer, "", f"skipped: {missing}", None, target)
        mine, other = self._timed(theirs)
        ratio = other.median / mine.median
        if self.told is not None:
            self.told(ratio)
        steady = max(mine.spread, other.spread) <= _STEADY
        holds = None if self.least is None or not steady else ratio >= self.least
        return Figure(self.task, self.peer, shown(mine), shown(other), ratio, target, holds)

    def _timed(self, theirs: Work) -> tuple[Times, Times]:
        """The first run of each is compared; it counts where there is no other, being all that a first result is.

        The others go in rounds, ours and theirs by turns, so that a slow spell of the machine meets both.
        """
        first, mine = seconds(self.ours)
        first_of_peer, other = seconds(theirs)
        self.agree(first, first_of_peer)
        del first, first_of_peer
        times: tuple[list[float], list[float]] = ([], [])
        wanted = self.repeats or (_enough(self.ours), _enough(theirs))
        for turn in range(_ROUNDS):
            for work, repeats, found in zip((self.ours, theirs), wanted, times, strict=True):
                if repeats > 1:
                    found += (seconds(work)[1] for _ in range(turn, repeats, _ROUNDS))
        return Times(tuple(times[0] or [mine])), Times(tuple(times[1] or [other]))


def _enough(work: Work) -> int:
    """How often a piece of work is run so that its median says something."""
    once = min(seconds(work)[1] for _ in range(3))
    return min(1000, max(15, int(_ENOUGH / max(once, 1e-9))))


@dataclass(frozen=True)
class Summary:
    """The geometric mean of ratios that were told before."""

    task: str
    peer: str
    ratios: Sequence[float]
    least: float

    def figure(self) -> Figure:
        """The mean, and of how many."""
        target = f"≥ {self.least:g} ×"
        if not self.ratios:
            return Figure(self.task, self.peer, "", "skipped: nothing was compared", None, target)
        mean = statistics.geometric_mean(self.ratios)
        words = f"{len(self.ratios)} problems, from {min(self.ratios):.3g} × to {max(self.ratios):.3g} ×"
        return Figure(self.task, self.peer, words, "", mean, target, mean >= self.least)


class Growth:
    """A plot of ratios over the size of a problem, one line a peer. State: the ratios told so far."""

    def __init__(self, file: str, title: str, across: str, up: str) -> None:
        self.task = title
        self._file = Path(__file__).with_name(file)
        self._axes = across, up
        self._ratios: dict[str, list[tuple[int, float]]] = {}

    def tell(self, peer: str, size: int, ratio: float) -> None:
        """Adds a point to the line of a peer."""
        self._ratios.setdefault(peer, []).append((size, ratio))

    def figure(self) -> Figure:
        """Draws the plot, where Matplotlib is there and something was told."""
        try:
            matplotlib = peer("matplotlib")
        except MissingPeer as missing:
            return Figure(f"plot: {self.task}", "", "", f"skipped: {missing}", None)
        if not self._ratios:
            return Figure(f"plot: {self.task}", "", "", "skipped: nothing was compared", None)
        matplotlib.use("svg")
        pyplot = peer("matplotlib.pyplot")
        figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
        for name, points in self._ratios.items():
            axes.loglog(*zip(*points, strict=True), marker="o", label=name)
        axes.axhline(1.0, color="grey", linewidth=0.8)
        axes.set(title=self.task, xlabel=self._axes[0], ylabel=self._axes[1])
        axes.legend()
        figure.savefig(self._file, metadata={"Date": None})
        pyplot.close(figure)
        return Figure(f"plot: {self.task}", "", f"[{self._file.name}]({self._file.name})", "", None)


def seconds(work: Work) -> tuple[Any, float]:
    """The result of a piece of work and how long it took."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def shown(times: Times) -> str:
    """`12.3 ms ± 4 %`; without a spread where there was one run."""
    spread = f" ± {100 * times.spread:.0f} %" if len(times.seconds) > 1 else ""
    return f"{duration(times.median)}{spread}"


def duration(length: float) -> str:
    """A time for people."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if length >= scale:
            return f"{length / scale:.3g} {unit}"
    return f"{length * 1e9:.3g} ns"


def tables(sections: Iterator[tuple[str, Sequence[Figure]]]) -> Iterator[str]:
    """The results as Markdown, part by part."""
    yield "# Benchmarks\n\n"
    yield (
        "Ratios in one run on one machine; `python -m benchmarks` writes this file. A ratio above 1 means that jaccli\n"
        "is faster (or needs fewer). Every pair is checked to agree before it is timed, and runs in turns; times are\n"
        "medians, ± half of the range between the quartiles; above 50 % nothing is concluded.\n\n"
    )
    yield f"{surroundings()}\n"
    for title, figures in sections:
        yield f"\n## {title}\n\n| task | peer | jaccli | peer's | ratio | target | |\n"
        yield "|---|---|---:|---:|---:|---:|---|\n"
        for one in figures:
            ratio = "" if one.ratio is None else f"{one.ratio:,.3g} ×"
            mark = {None: "", True: "✓", False: "✗"}[one.holds]
            cells = (one.task, one.peer, one.ours, one.theirs, ratio, one.target, mark)
            yield "| " + " | ".join(cells) + " |\n"


def surroundings() -> str:
    """Versions of Python and of the peers that are here."""
    versions = [f"Python {platform.python_version()}"]
    for name in ("numpy", "scipy", "sympy", "torch", "jax", "asdex", "autograd"):
        try:
            module = peer(name)
        except MissingPeer:
            versions.append(f"{name} missing")
        else:
            versions.append(f"{name} {getattr(module, '__version__', '')}".strip())
    return ", ".join(versions)
