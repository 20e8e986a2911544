"""galaxy_votes: a residual network of four stages, and the task that trains it to predict vote fractions.

Blocks as in He et al. 2016 (arXiv:1512.03385), one in each stage unless `depth` says more. With the defaults
and 37 answers it has 1.2 million parameters. For images of 64 x 64 pixels:

    stem      conv 3x3                    64 x 64 x width
    stage 1   depth blocks                64 x 64 x width
    stage 2   depth blocks, first by 2    32 x 32 x 2 width
    stage 3   depth blocks, first by 2    16 x 16 x 4 width
    stage 4   depth blocks, first by 2      8 x 8 x 8 width
    head      mean over pixels, linear    one logit for each answer
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from galaxynet.plugin import DataInfo
from galaxynet.tasks import VoteFractions
from galaxynet_galaxy_votes.options import GalaxyVotesOptions

STAGES = 4


class GalaxyVotes(VoteFractions):
    """Trains a `GalaxyVotesNetwork` to predict what the volunteers say of a galaxy.

    Args:
        options: Width, depth and optimiser.
        data_info: Shape of an image, (channels, height, width), and the tree of questions.
    """

    def __init__(self, options: GalaxyVotesOptions, data_info: DataInfo) -> None:
        answers = len(data_info.vote_tree.columns)
        network = GalaxyVotesNetwork(data_info.image_shape[0], answers, options.width, options.depth)
        super().__init__(network, options, data_info)


class GalaxyVotesNetwork(nn.Module):
    """The network; it takes images of any size.

    Args:
        channels: Channels of an image.
        answers: Logits to give.
        width: Channels of the first stage.
        depth: Blocks in each stage.
    """

    def __init__(self, channels: int, answers: int, width: int = 32, depth: int = 1) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        blocks: list[nn.Module] = []
        before = width
        for stage in range(STAGES):
            after = width * 2**stage
            for number in range(depth):
                blocks.append(Block(before, after, stride=2 if stage and number == 0 else 1))
                before = after
        self.stages = nn.Sequential(*blocks)
        self.head = nn.Linear(before, answers)
        # Every answer begins equally likely, so the first losses do not depend on chance.
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of shape (batch, answers) of images of shape (batch, channels, height, width)."""
        features = self.stages(self.stem(images))
        logits: Tensor = self.head(features.mean(dim=(2, 3)))
        return logits


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
