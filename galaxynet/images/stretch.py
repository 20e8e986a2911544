"""From flux to 8 bits: the asinh stretch of Lupton et al. 2004 (PASP 116, 133)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Q = 8.0
"""The softening that astropy's `make_lupton_rgb` has by default."""

_WHITE = 255.0
_KNEE = 0.1
"""Share of the range at which the mapping with Q and that without agree, as in astropy."""


@dataclass(frozen=True)
class Stretch:
    """How flux becomes brightness: linear for faint parts, logarithmic for bright ones.

    Attributes:
        width: Flux above the minimum at which the mapping turns from linear to logarithmic, in the units of
            the image; None: a tenth of the range between the sky and the 99.5th percentile, at least five
            times the noise.
        q: The softening; a larger one brings up faint parts.
        minimum: Flux that is shown black; None: the median of the image, which is the sky.
    """

    width: float | None = None
    q: float = Q
    minimum: float | None = None

    @classmethod
    def parse(cls, text: str) -> Stretch:
        """Read `auto`, or `WIDTH`, `WIDTH,Q` or `WIDTH,Q,MINIMUM`.

        Raises:
            ValueError: If it is neither.
        """
        if text == "auto":
            return cls()
        try:
            numbers = [float(part) for part in text.split(",")]
        except ValueError:
            numbers = []
        if not 1 <= len(numbers) <= 3 or not np.isfinite(numbers).all() or min(numbers[:2]) <= 0:
            raise ValueError(f"{text} is not auto, WIDTH, WIDTH,Q or WIDTH,Q,MINIMUM, the first two above 0")
        return cls(*numbers)

    def __str__(self) -> str:
        if self.width is None:
            return "auto"
        return ",".join(
            _shortest(number) for number in (self.width, self.q, self.minimum) if number is not None
        )

    def gray(self, plane: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        """A plane of flux as gray, uint8 of the same shape. Pixels that are not finite become black."""
        minimum, width = self._levels(plane)
        flux = np.where(np.isfinite(plane), plane - minimum, 0).clip(0)
        return (flux * _factor(flux, width, self.q)).clip(0, _WHITE).astype(np.uint8)

    def rgb(self, planes: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        """Three planes of flux as colour; their mean sets the brightness, so colours do not bleach.

        Args:
            planes: Red, green and blue, shape (3, height, width).

        Returns:
            uint8, shape (height, width, 3).
        """
        minimum, width = self._levels(planes.mean(axis=0))
        flux = np.where(np.isfinite(planes), planes - minimum, 0)
        intensity = flux.mean(axis=0)
        factor = np.where(intensity > 0, _factor(intensity.clip(0), width, self.q), 0)
        colour = (flux * factor).clip(0)
        brightest = colour.max(axis=0)
        colour *= np.where(brightest > _WHITE, _WHITE / np.maximum(brightest, 1e-30), 1)
        return np.ascontiguousarray(np.moveaxis(colour.clip(0, _WHITE).astype(np.uint8), 0, -1))

    def _levels(self, plane: npt.NDArray[np.float32]) -> tuple[float, float]:
        if self.minimum is not None and self.width is not None:
            return self.minimum, self.width
        finite = plane[np.isfinite(plane)]
        if not finite.size:
            return 0.0, 1.0
        sky = float(np.median(finite))
        minimum = sky if self.minimum is None else self.minimum
        if self.width is not None:
            return minimum, self.width
        noise = 1.4826 * float(np.median(np.abs(finite - sky)))
        width = max(5 * noise, (float(np.percentile(finite, 99.5)) - minimum) / 10)
        return minimum, width if width > 0 else 1.0


AUTO = Stretch()
"""The stretch that is measured in each image."""


def _shortest(number: float) -> str:
    """A number in the fewest digits that give it back."""
    return f"{number:g}" if float(f"{number:g}") == number else repr(number)


def _factor(intensity: npt.NDArray[np.float32], width: float, q: float) -> npt.NDArray[np.float32]:
    """Brightness per flux at an intensity, as astropy's `AsinhMapping` has it."""
    slope = _KNEE * _WHITE / np.arcsinh(_KNEE * q)
    scaled = intensity * (q / width)
    # At no flux the quotient tends to its slope.
    safe = np.where(scaled > 1e-6, scaled, 1.0)
    factor = np.where(scaled > 1e-6, np.arcsinh(safe) / safe, 1.0) * slope * q / width
    return np.asarray(factor, dtype=np.float32)
