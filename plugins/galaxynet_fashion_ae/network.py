"""The autoencoder: an image through a narrow layer and back."""

from __future__ import annotations

import itertools
import math

from torch import Tensor, nn

from galaxynet.plugin import Activation
from galaxynet.tasks.activations import activation


class FashionAeNetwork(nn.Module):
    """Dense layers pixels - code - pixels, or pixels - hidden - code - hidden - pixels.

    All weights and biases start as N(0, 1), as in the code that the report cites. With pixels of 0 to 255
    that drives nearly every sigmoid of the first layer to 0 or 1, where it hardly learns: the code is then
    close to a set of random yes-or-no questions about the image, and it is the decoder that is trained.

    Args:
        input_shape: Channels, height and width of an image.
        code: Units of the narrowest layer, at least 1.
        hidden: Units of the layers before and behind it; 0 for none.
        act: Activation of every layer but the last, which is linear.
    """

    def __init__(
        self, input_shape: tuple[int, ...], code: int, hidden: int = 0, act: Activation = "sigmoid"
    ) -> None:
        super().__init__()
        pixels = math.prod(input_shape)
        inner = [hidden] if hidden else []
        self.encoder = _dense([pixels, *inner, code], act)
        self.decoder = nn.Sequential(
            *_dense([code, *inner], act), nn.Linear(hidden if hidden else code, pixels)
        )
        for parameter in self.parameters():
            nn.init.normal_(parameter)

    def forward(self, images: Tensor) -> Tensor:
        """Reconstructions of images (batch, channels, height, width), in the same shape and units."""
        decoded: Tensor = self.decoder(self.encoder(images.flatten(1)))
        return decoded.view(images.shape)


def _dense(units: list[int], act: Activation) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(units):
        layers += [nn.Linear(before, after), activation(act)]
    return nn.Sequential(*layers)
