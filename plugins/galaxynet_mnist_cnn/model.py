"""mnist_cnn as a LightningModule, with softmax or softplus outputs."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from galaxynet.plugin import DataInfo
from galaxynet.tasks.classifier import Classifier
from galaxynet_mnist_cnn.network import MnistCnnNetwork
from galaxynet_mnist_cnn.options import MnistCnnOptions

KERAS_EPSILON = 1e-7
"""The default of `keras.config.epsilon()`."""


class MnistCnn(Classifier):
    """Trains an `MnistCnnNetwork` to name a digit.

    With `output="softplus"` the network ends in softplus(z) = log(1 + exp(z)) instead of softmax, and its
    outputs, which are not probabilities, go into Keras' sparse categorical cross-entropy. That function cuts
    each output s off at 1e-7 and 1 - 1e-7 and then divides by their sum:

        loss = -log(clip(s_true) / sum(clip(s)))

    This has two effects on learning. The right class is raised only until its output reaches 1; beyond that,
    the loss falls only as the other outputs fall, to -log(1 / (1 + the sum of the others)). And a wrong class
    whose output exceeds 1 has no gradient, so only changes in shared weights can lower it again. Far below
    zero, softplus(z) is nearly exp(z), and softplus and softmax behave alike.

    Args:
        options: Activation, output and optimiser.
        data_info: Shape of an image, (channels, height, width), and the classes.
    """

    updates_per_step = 20

    def __init__(self, options: MnistCnnOptions, data_info: DataInfo) -> None:
        network = MnistCnnNetwork(data_info.image_shape, data_info.class_count, options.act)
        super().__init__(network, options, data_info)
        self.output = options.output

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy in nats. A scalar."""
        if self.output == "softmax":
            return super().loss(logits, targets)
        return super().loss(log_clipped(functional.softplus(logits.float())), targets)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Class probabilities of shape (n, classes), float32, rows summing to one.

        Of softplus they are the outputs over their sum, not cut off: two classes above 1 would be equal.
        """
        if self.output == "softmax":
            return super().probabilities(logits)
        # In float64, where outputs of very negative logits are still above zero, and still in order.
        outputs = functional.softplus(logits.double())
        return (outputs / outputs.sum(dim=1, keepdim=True)).float()


def log_clipped(outputs: Tensor) -> Tensor:
    """The logarithms that Keras takes of a layer's outputs before it normalises them.

    Source: `sparse_categorical_crossentropy` of Keras 3, keras/src/backend/tensorflow/nn.py.
    """
    return outputs.clamp(KERAS_EPSILON, 1 - KERAS_EPSILON).log()
