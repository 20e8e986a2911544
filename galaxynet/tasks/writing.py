"""The protocol of networks that generate text, and the validation of requests."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from galaxynet.errors import UsageError

_LARGEST_SEED = 2**32 - 1


@runtime_checkable
class TextGenerator(Protocol):
    """The protocol of `galaxynet generate`: a task with this method can generate text."""

    def generate(self, prime: str, length: int, *, temperature: float, seed: int) -> Iterator[str]:
        """The characters that follow `prime`, one by one.

        Args:
            prime: The beginning, which the model continues.
            length: Number of characters to generate.
            temperature: Divides the logits: below 1, likely characters become likelier; 0 always takes the
                likeliest.
            seed: The same seed gives the same text.

        Raises:
            UsageError: If the prime has characters that the model does not know.
        """
        ...


def check_request(vocabulary: str, prime: Any, length: Any, *, temperature: Any, seed: Any) -> str:
    r"""Check a request for generated text.

    Args:
        vocabulary: The characters that the model knows.
        prime: The beginning.
        length: Number of characters to generate.
        temperature: Divides the logits.
        seed: Seed of the sampling.

    Returns:
        The prime, normalised like text files: lines end with `\n`, and there is no byte order mark, unless
        the vocabulary has these characters.

    Raises:
        UsageError: If the prime is not a string or has other characters, or a number is out of range.
    """
    if not isinstance(prime, str):
        raise UsageError(f"--prime {prime!r}: it is a text.")
    read: str = prime
    if "\r" not in vocabulary:
        read = read.replace("\r\n", "\n").replace("\r", "\n")
    if "\ufeff" not in vocabulary:
        read = read.removeprefix("\ufeff")
    if unknown := [char for char in dict.fromkeys(read) if char not in vocabulary]:
        named = ", ".join(map(repr, unknown[:10])) + (", ..." if len(unknown) > 10 else "")
        raise UsageError(
            f"The text that the network learnt from has no {named}, so it cannot go on from there.",
            "Leave that out of the beginning.",
        )
    if not (isinstance(temperature, numbers.Real) and 0 <= float(temperature) < math.inf):
        raise UsageError(f"--temperature {temperature}: it is a number, 0 or more.")
    if not (isinstance(length, numbers.Integral) and int(length) >= 0):
        raise UsageError(f"--length {length}: it is a whole number, 0 or more.")
    if not (isinstance(seed, numbers.Integral) and 0 <= int(seed) <= _LARGEST_SEED):
        raise UsageError(f"--seed {seed}: it is a whole number from 0 to {_LARGEST_SEED}.")
    return read
