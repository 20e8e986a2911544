"""The network of TensorFlow's tutorial "Convolutional Neural Network (CNN)", layer for layer."""

from __future__ import annotations

from torch import Tensor, nn

from galaxynet.errors import DataError
from galaxynet.plugin import Activation
from galaxynet.tasks.activations import activation, activation_and_pooling

SMALLEST = 18
"""Pixels that a side must have: below that nothing is left after three convolutions and two poolings."""


class MnistCnnNetwork(nn.Module):
    """Three convolutions and two dense layers: 93,322 parameters for ten classes of 28 x 28 gray pixels.

    Shapes for an input of 28 x 28: convolution 26 x 26, pooling 13 x 13, convolution 11 x 11, pooling 5 x 5,
    convolution 3 x 3. Nothing is padded.

    Args:
        input_shape: Channels, height and width of an image; each side at least 18.
        classes: Number of classes.
        act: Activation of the convolutions and of the hidden dense layer.

    Raises:
        DataError: If the images are too small.
    """

    def __init__(self, input_shape: tuple[int, int, int], classes: int, act: Activation = "relu") -> None:
        super().__init__()
        channels, height, width = input_shape
        if min(height, width) < SMALLEST:
            raise DataError(
                f"mnist_cnn needs images of at least {SMALLEST} x {SMALLEST} pixels; "
                f"these have {width} x {height}."
            )
        self.features = nn.Sequential(
            nn.Conv2d(channels, 32, kernel_size=3),
            *activation_and_pooling(act, nn.MaxPool2d(2)),
            nn.Conv2d(32, 64, kernel_size=3),
            *activation_and_pooling(act, nn.MaxPool2d(2)),
            nn.Conv2d(64, 64, kernel_size=3),
            activation(act),
        )
        rows, columns = (((side - 2) // 2 - 2) // 2 - 2 for side in (height, width))
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(64 * rows * columns, 64), activation(act), nn.Linear(64, classes)
        )
        self.apply(_start_as_keras)

    def forward(self, images: Tensor) -> Tensor:
        """What the last layer gives, shape (batch, classes), of images (batch, channels, height, width)."""
        outputs: Tensor = self.classifier(self.features(images))
        return outputs


def _start_as_keras(module: nn.Module) -> None:
    """Glorot's uniform weights and zero biases, Keras' defaults (Glorot and Bengio 2010, equation 16)."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
