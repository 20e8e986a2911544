"""The reconstructions of a run: `reconstructions.npz`, some test samples and what came back of them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from galaxynet import atomic, untrusted
from galaxynet.errors import RunError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

RECONSTRUCTIONS = "reconstructions.npz"
_LARGEST = 256 * untrusted.MIB
"""Of the file, and of what its members unpack to."""


@dataclass(frozen=True)
class ReconstructedSamples:
    """Test samples and their reconstructions.

    Attributes:
        ids: The samples' ids.
        classes: What each sample shows; empty texts where there are no classes.
        originals: float32 in units of the stored pixels, shape (n, channels, height, width) for images.
        decodings: The same for the reconstructions, which are not bounded.
    """

    ids: Sequence[str]
    classes: Sequence[str]
    originals: npt.NDArray[np.float32]
    decodings: npt.NDArray[np.float32]

    def write(self, path: Path) -> None:
        """Write the file in one step."""
        import numpy as np

        content = io.BytesIO()
        np.savez_compressed(
            content,
            ids=np.array(self.ids, dtype=np.str_),
            classes=np.array(self.classes, dtype=np.str_),
            originals=self.originals,
            decodings=self.decodings,
        )
        atomic.write_bytes(path, content.getbuffer())

    @classmethod
    def read(cls, path: Path) -> ReconstructedSamples:
        """Read the file; it can hold nothing but numbers and text.

        Raises:
            RunError: If it is missing or damaged.
        """
        import numpy as np

        try:
            # Opened here: numpy leaves a file open that it cannot make sense of.
            with untrusted.open_regular(path, _LARGEST) as stream:
                _check_members(stream)
                arrays = np.load(stream, allow_pickle=False)
                samples = cls(
                    arrays["ids"].tolist(),
                    arrays["classes"].tolist(),
                    arrays["originals"],
                    arrays["decodings"],
                )
        except FileNotFoundError:
            raise RunError(
                f"{path} is missing: the run has not been tested, or the file was removed.",
                "It is written at the end of a training.",
            ) from None
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror or error}.") from None
        except Exception as error:  # zip files and numpy raise whatever they like over damaged bytes
            raise RunError(f"{path} is damaged: {error}.") from None
        originals, count = samples.originals, len(samples.ids)
        if not (
            originals.shape == samples.decodings.shape
            and len(originals) == len(samples.classes) == count > 0
            and originals.dtype == samples.decodings.dtype == np.float32
        ):
            raise RunError(f"{path} is damaged: its parts do not fit together.")
        return samples


def _check_members(stream: BinaryIO) -> None:
    """Refuse what unpacks to more than there can be; rewinds the file."""
    if zipfile.is_zipfile(stream):
        with zipfile.ZipFile(stream) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > _LARGEST:
            raise ValueError(f"it unpacks to more than {_LARGEST // untrusted.MIB} MiB")
    stream.seek(0)
