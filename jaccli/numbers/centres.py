"""Where the Taylor series of each function stand: a row of evenly spaced centres."""

from __future__ import annotations

from typing import NamedTuple


class Centres(NamedTuple):
    """Centres first, first + spacing, …; the spacing is a power of 2, so that distances from them are exact."""

    first: float
    spacing: float
    places: int

    def all(self) -> list[float]:
        """The centres in order."""
        return [self.first + self.spacing * place for place in range(self.places)]

    @property
    def reach(self) -> float:
        """The last centre: beyond it and half a spacing the series do not go."""
        return self.first + self.spacing * (self.places - 1)


DAWSON = Centres(0.0, 0.25, 33)
ERFCX = Centres(0.0, 0.25, 49)
SCALED_I = Centres(0.5, 0.5, 64)
SCALED_K = Centres(1.0, 0.25, 97)
SECOND_KIND = Centres(1.5, 0.25, 43)
AIRY = Centres(-10.0, 0.25, 81)
