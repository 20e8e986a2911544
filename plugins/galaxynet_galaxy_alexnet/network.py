"""The network itself: AlexNet cut down to galaxy images of 60 x 60 pixels, as the 2019 student report has it.

It was written in Keras, so convolutions and poolings pad the way Keras' "same" does, and the weights start
as Keras starts them.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from galaxynet.plugin import Activation
from galaxynet.tasks.activations import activation, activation_and_pooling
from galaxynet_galaxy_alexnet.winograd import WinogradConv2d

# 265, not AlexNet's 256: the report prints 256 for this layer, but its parameter counts (636,265 here and
# 916,224 in the next convolution, 5,376,878 in all for RGB) are those of 265.
_SECOND = 265

# Channels of the extra 3x3 convolutions by their number. One alone is the first of the three.
_EXTRA: dict[int, tuple[int, ...]] = {0: (), 1: (384,), 3: (384, 384, 256)}


class GalaxyAlexNetNetwork(nn.Module):
    """Two or more convolutions, three poolings, three dense layers; 2.3 to 5.4 million parameters.

    Shapes for an input of 60 x 60: convolution 15 x 15, pooling 8 x 8, convolution 8 x 8, pooling 4 x 4,
    extra convolutions 4 x 4, pooling 2 x 2.

    Args:
        input_shape: Channels, height and width of an image; each at least 1.
        classes: Number of classes.
        act: Activation of the convolutions. The hidden dense layers are ReLU whatever it is.
        extra_convs: Number of 3x3 convolutions between the second and the third pooling: 0, 1 or 3.
    """

    def __init__(
        self, input_shape: tuple[int, int, int], classes: int, act: Activation = "relu", extra_convs: int = 0
    ) -> None:
        super().__init__()
        channels, height, width = input_shape

        layers = [
            StridedConv2d(channels, 96, kernel_size=11, stride=4),
            *activation_and_pooling(act, HalvingMaxPool2d()),
            WinogradConv2d(96, _SECOND, kernel_size=5),
            *activation_and_pooling(act, HalvingMaxPool2d()),
        ]
        last = _SECOND
        for out in _EXTRA[extra_convs]:
            layers += [WinogradConv2d(last, out, kernel_size=3), activation(act)]
            last = out
        layers.append(HalvingMaxPool2d())
        self.features = nn.Sequential(*layers)

        # Every step of "same" padding rounds up: one by 4, then three by 2, is one by 32.
        flat = last * -(-height // 32) * -(-width // 32)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(flat, 1024),
            nn.ReLU(),
            nn.Linear(1024, 512),
            nn.ReLU(),
            nn.Linear(512, classes),
        )
        self.apply(_start_as_keras)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of shape (batch, classes) of images of shape (batch, channels, height, width).

        The report ends in a softmax; here it is part of the loss, where it cannot overflow.
        """
        logits: Tensor = self.classifier(self.features(images))
        return logits


class StridedConv2d(nn.Conv2d):
    """A convolution with Keras' "same" padding for any stride: zeros, the odd one at the bottom and right."""

    def forward(self, input: Tensor) -> Tensor:
        """Convolve (batch, channels, height, width); each side shrinks to ceil(side / stride)."""
        height, width = input.shape[-2:]
        top, bottom = same_padding(height, self.kernel_size[0], self.stride[0])
        left, right = same_padding(width, self.kernel_size[1], self.stride[1])
        return super().forward(functional.pad(input, (left, right, top, bottom)))


class HalvingMaxPool2d(nn.Module):
    """Largest value of each 3x3 window at every second pixel, with Keras' "same" padding.

    Padding never wins a maximum (it counts as minus infinity): zeros would beat the negative values of tanh.
    `max_pool2d` does that by itself, and pads without a copy. For an odd side "same" means one pixel at both
    ends; for an even side one at the far end alone, which is what `ceil_mode` adds.
    """

    def forward(self, inputs: Tensor) -> Tensor:
        """Pool a tensor of shape (batch, channels, height, width); each side shrinks to ceil(side / 2)."""
        height, width = inputs.shape[-2:]
        return functional.max_pool2d(inputs, 3, stride=2, padding=(height % 2, width % 2), ceil_mode=True)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Pixels that Keras' "same" adds before and after a side of `size` pixels.

    The output has ceil(size / stride) pixels; what that needs is shared out evenly, an odd pixel goes after.
    Source: the TensorFlow documentation of `tf.nn`, "Notes on padding".
    """
    missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return missing // 2, missing - missing // 2


def _start_as_keras(module: nn.Module) -> None:
    """Glorot's uniform weights and zero biases, Keras' defaults (Glorot and Bengio 2010, equation 16)."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
