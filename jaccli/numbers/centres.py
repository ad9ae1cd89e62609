"""Where the Taylor series of each function stand: rows of centres, evenly spaced or so many to an octave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from jaccli.lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")


class Even(NamedTuple):
    """Centres first, first + spacing, …; the spacing is a power of 2, so that distances from them are exact."""

    first: float
    spacing: float
    places: int

    def all(self) -> list[float]:
        """The centres in order."""
        return [self.first + self.spacing * place for place in range(self.places)]

    def widths(self) -> list[float]:
        """How far from each of them arguments are."""
        return [0.5 * self.spacing] * self.places

    def nearest(self, x: Any) -> tuple[Any, Any]:
        """The place of the centre next to each argument, and the distance from it."""
        place = np.rint((x - self.first) / self.spacing)
        return place.astype(np.intp), x - (self.first + self.spacing * place)


class Octaves(NamedTuple):
    """Eight centres to an octave, each in the middle of its eighth, from 2**lowest on, for functions singular at 0."""

    lowest: int
    octaves: int

    def all(self) -> list[float]:
        """The centres in order."""
        return [
            2.0**k * (1.0 + (i + 0.5) / 8) for k in range(self.lowest, self.lowest + self.octaves) for i in range(8)
        ]

    def widths(self) -> list[float]:
        """How far from each of them arguments are."""
        return [2.0**k / 16 for k in range(self.lowest, self.lowest + self.octaves) for _ in range(8)]

    def nearest(self, x: Any) -> tuple[Any, Any]:
        """The place of the centre of each argument's eighth, and the distance from it."""
        part, exponent = np.frexp(x)
        eighth = np.floor(16.0 * part)
        place = 8 * (exponent - 1 - self.lowest) + eighth.astype(np.intp) - 8
        return place, np.ldexp(part - (eighth + 0.5) / 16, exponent)


Centres = Even | Octaves

DAWSON = Even(0.0, 0.25, 33)
ERFCX = Even(0.0, 0.25, 49)
SCALED_I = Even(0.5, 0.5, 64)
SCALED_K = Octaves(-2, 7)
SECOND_KIND = Even(1.5, 0.25, 43)
LOG_GAMMA = Even(1.0, 0.125, 90)
AIRY = Even(-10.0, 0.25, 81)
