"""galaxy_votes and galaxy_classifier: a residual backbone, a linear head, and the tasks that train them.

Blocks as in He et al. 2016 (arXiv:1512.03385), one in each stage unless `depth` says more. The convolutions
of the backbone are those of `equivariant.py`, unless `equivariant` is off. For images of 112 x 112 pixels:

    backbone  stem: conv 3x3 by stem_stride (2)   56 x 56 x width
              stage 1: depth blocks               56 x 56 x width
              stage 2: depth blocks, first by 2   28 x 28 x 2 width
              stage 3: depth blocks, first by 2   14 x 14 x 4 width
              stage 4: depth blocks, first by 2     7 x 7 x 8 width
              mean over pixels                    8 width features; 2 width if equivariant
    head      dropout, linear                     one logit for each answer, or each class
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from galaxynet.errors import UsageError
from galaxynet.plugin import DataInfo
from galaxynet.tasks import Classifier, VoteFractions
from galaxynet_galaxy_votes.equivariant import EquivariantBackbone
from galaxynet_galaxy_votes.options import BackboneOptions, GalaxyClassifierOptions, GalaxyVotesOptions

STAGES = 4


class GalaxyVotes(VoteFractions):
    """Trains a `GalaxyNetwork` to predict what the volunteers say of a galaxy.

    Args:
        options: Network and optimiser.
        data_info: Shape of an image, (channels, height, width), and the tree of questions.
    """

    def __init__(self, options: GalaxyVotesOptions, data_info: DataInfo) -> None:
        network = GalaxyNetwork(data_info.image_shape, data_info.vote_logits, options)
        super().__init__(network, options, data_info, label_weight=options.label_weight)


class GalaxyClassifier(Classifier):
    """Trains a `GalaxyNetwork` to tell classes of galaxies.

    Args:
        options: Network and optimiser.
        data_info: Shape of an image, (channels, height, width), and the classes.
    """

    def __init__(self, options: GalaxyClassifierOptions, data_info: DataInfo) -> None:
        network = GalaxyNetwork(data_info.image_shape, data_info.class_count, options)
        super().__init__(network, options, data_info)


class GalaxyNetwork(nn.Module):
    """Backbone and head. Its weights do not depend on the size of the images.

    Args:
        image_shape: Channels, height and width of an image.
        outputs: Logits to give.
        options: Width, depth, stride of the stem, and dropout.

    Raises:
        UsageError: If the images are so small that the last stage would have a single pixel, of which no
            batch statistics can be computed for a batch of one image.
    """

    def __init__(self, image_shape: tuple[int, int, int], outputs: int, options: BackboneOptions) -> None:
        channels, height, width = image_shape
        halved = 2 ** (STAGES - 1) * options.stem_stride
        smallest = 2 * halved if options.equivariant else halved + 1
        if min(height, width) < smallest:
            raise UsageError(
                f"Images of {width} x {height} pixels are too small for this network, which divides their "
                f"sides by {halved}.",
                f"Give it at least {smallest} pixels (--size), or --stem-stride 1.",
            )
        super().__init__()
        self.backbone: Backbone | EquivariantBackbone = (
            EquivariantBackbone(channels, options, STAGES)
            if options.equivariant
            else Backbone(channels, options)
        )
        self.dropout = nn.Dropout(options.dropout)
        self.head = nn.Linear(self.backbone.features, outputs)
        # Every answer begins equally likely, so the first losses do not depend on chance.
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of shape (batch, outputs) of images of shape (batch, channels, height, width)."""
        logits: Tensor = self.head(self.dropout(self.backbone(images)))
        return logits


class Backbone(nn.Module):
    """From images to features.

    Args:
        channels: Channels of an image.
        options: Width, depth and stride of the stem.

    Attributes:
        features: The number of features of an image.
    """

    def __init__(self, channels: int, options: BackboneOptions) -> None:
        super().__init__()
        width = options.width
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride=options.stem_stride, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )
        stages: list[nn.Module] = []
        before = width
        for stage in range(STAGES):
            after = width * 2**stage
            blocks: list[nn.Module] = []
            for number in range(options.depth):
                blocks.append(Block(before, after, stride=2 if stage and number == 0 else 1))
                before = after
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)
        self.features = before

    def forward(self, images: Tensor) -> Tensor:
        """Features of shape (batch, features) of images of shape (batch, channels, height, width)."""
        features: Tensor = self.stages(self.stem(images))
        return features.mean(dim=(2, 3))


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut; both may halve the image.

    Args:
        before: Channels of its input.
        after: Channels of its output.
        stride: 1 or 2.
    """

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            # The mean of the pixels stepped over, as in He et al. 2019 (arXiv:1812.01187, ResNet-D). Besides,
            # a 1x1 convolution with a stride writes out of bounds in oneDNN for some numbers of channels.
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False),
                nn.Conv2d(before, after, 1, bias=False),
                nn.BatchNorm2d(after),
            )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        # A block begins as its shortcut (Goyal et al. 2017, arXiv:1706.02677, section 5.1).
        last = self.body[-1]
        assert isinstance(last, nn.BatchNorm2d)
        nn.init.zeros_(last.weight)

    def forward(self, inputs: Tensor) -> Tensor:
        """Transform (batch, before, height, width) to (batch, after, ...), smaller by the stride."""
        return functional.relu(self.body(inputs) + self.shortcut(inputs))
