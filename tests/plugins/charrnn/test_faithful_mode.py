from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pytest
import torch
from charrnn_reference import MinCharRNN

from galaxynet.errors import OptionError
from galaxynet.plugin import DataInfo
from galaxynet_charrnn.datamodule import TextFileData
from galaxynet_charrnn.model import CharRNN
from galaxynet_charrnn.options import CharRNNOptions, TextFileOptions
from galaxynet_charrnn.tanh_rnn import tanh_recurrence

# Lightning asks torch in a way that the newest torch warns of.
pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")

TEXT = "".join(chr(97 + (i * i + i // 7) % 13) for i in range(420)) + "\n"


def trainer(**settings: Any) -> lightning.Trainer:
    return lightning.Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **settings,
    )


def weights(network: Any) -> list[torch.Tensor]:
    layer = network.recurrent
    return [
        layer.first.weight.T,
        layer.recurrent[0],
        network.output.weight,
        layer.biases[0],
        network.output.bias,
    ]


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize(
    ("precision", "updates", "tolerance"), [("64-true", 60, 1e-9), ("32-true", 30, 1e-5)]
)
def test_it_learns_as_min_char_rnn_does(
    precision: Any, updates: int, tolerance: float, grouped: bool, tmp_path: Path
) -> None:
    """From the same weights the losses, the smoothed loss and the weights are min-char-rnn's.

    To 1e-9 in float64 and to 1e-5 in float32, in which errors grow with every update. Over 60 updates of 7
    characters, which go round a text of 340 characters and carry or clear the state where min-char-rnn does.
    """
    (tmp_path / "my.txt").write_text(TEXT)
    data = TextFileData(
        TextFileOptions(file=tmp_path / "my.txt", sequence=7, iterations=30), data_dir=tmp_path, batch_size=8
    )
    data.setup()
    torch.manual_seed(3)
    model = CharRNN(CharRNNOptions(hidden=11, sample_every=0.0), data.info)
    if grouped:
        model.group_updates(data)
    network = model.network
    with torch.no_grad():
        network.recurrent.recurrent[0].mul_(60)  # so that the state matters, as it does later in a training
    reference = MinCharRNN(*(weight.detach().double().numpy().copy() for weight in weights(network)))
    losses: list[float] = []

    class Kept(lightning.Callback):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, *_: Any) -> None:
            losses.extend(outputs["loss"].flatten().tolist())

    trainer(max_epochs=updates // 30, callbacks=[Kept()], limit_val_batches=0, precision=precision).fit(
        model, datamodule=data
    )

    tokens = data.parts["train"]
    position, expected, smooth = 0, [], 7 * math.log(len(model.vocabulary))
    for number in range(updates):
        if number == 0 or position + 7 + 1 >= len(tokens):
            position, reference.hidden = 0, np.zeros(11)
        expected.append(
            reference.update(tokens[position : position + 7], tokens[position + 1 : position + 8])
        )
        smooth = 0.999 * smooth + 0.001 * expected[-1]
        position += 7
    assert losses == pytest.approx(expected, rel=tolerance)
    assert model.smooth_loss == pytest.approx(smooth, rel=tolerance)
    for weight, expected_weight in zip(weights(network), reference.weights, strict=True):
        np.testing.assert_allclose(weight.detach().numpy(), expected_weight, atol=100 * tolerance)


def test_a_batch_changes_nothing_but_the_speed(tmp_path: Path) -> None:
    """Updates handed over one at a time or all at once give the same weights."""
    (tmp_path / "my.txt").write_text(TEXT)
    outputs = []
    for batch_size in (1, 100):
        options = TextFileOptions(file=tmp_path / "my.txt", sequence=9, iterations=12)
        data = TextFileData(options, data_dir=tmp_path, batch_size=batch_size)
        data.setup()
        torch.manual_seed(0)
        model = CharRNN(CharRNNOptions(hidden=6), data.info)
        model.group_updates(data)
        trainer(max_epochs=1, limit_val_batches=0).fit(model, datamodule=data)
        outputs.append(model.network.output.weight.detach())
    assert torch.equal(*outputs)


def test_the_backward_pass_is_the_gradient() -> None:
    """The gradient that is written out is the one that numbers give, for several streams."""
    generator = torch.Generator().manual_seed(1)
    inputs, weight, start = (
        torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=shape != (2, 3))
        for shape in ((4, 2, 3), (3, 3), (2, 3))
    )
    assert torch.autograd.gradcheck(tanh_recurrence, (inputs, weight, start))


@pytest.mark.parametrize(
    "beyond", [{"cell": "lstm"}, {"layers": 2}, {"dropout": 0.1}, {"schedule": "cosine"}, {"streams": 4}]
)
def test_faithful_mode_refuses_what_min_char_rnn_has_not(beyond: dict[str, Any]) -> None:
    """Asked for explicitly it refuses, naming the option; left alone, practical mode is taken."""
    streams = beyond.pop("streams", 1)
    info = DataInfo("text", (25,), (), {"vocabulary": "ab", "streams": streams})
    flag = f"--{next(iter(beyond), 'streams')}"
    with pytest.raises(OptionError, match=f"min-char-rnn does, and that has no {flag}"):
        CharRNN(CharRNNOptions(mode="faithful", **beyond), info)
    assert not CharRNN(CharRNNOptions(**beyond), info).faithful


def test_the_first_weights_are_min_char_rnns() -> None:
    """The default network has min-char-rnn's number of weights, of standard deviation 0.01."""
    info = DataInfo("text", (25,), (), {"vocabulary": "".join(map(chr, range(75))), "streams": 1})
    model = CharRNN(CharRNNOptions(), info)
    assert model.faithful
    assert sum(p.numel() for p in model.network.parameters()) == 100 * 75 + 100**2 + 75 * 100 + 100 + 75
    for weight in map(torch.Tensor.detach, model.network.parameters()):
        assert float(weight.std()) == pytest.approx(0.01 if weight.dim() > 1 else 0.0, rel=0.05)


def test_it_writes_from_the_carried_state() -> None:
    """In faithful mode text begins in the state that training left, as min-char-rnn's samples do."""
    info = DataInfo("text", (5,), (), {"vocabulary": "ab\n", "streams": 1})
    torch.manual_seed(0)
    model = CharRNN(CharRNNOptions(hidden=4), info)
    assert model.first_state(2) is None
    model.on_load_checkpoint({"carried_states": [torch.ones(1, 1, 4)], "smooth_loss": 3.0})
    state = model.first_state(2)
    assert state is not None
    assert torch.equal(state, torch.ones(1, 2, 4))
    assert model.smooth_loss == 3.0
