"""The weights that a training begins with: read, brought into the network, and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from galaxynet.data.module import DataModule
from galaxynet.errors import UsageError
from galaxynet.evaluation.restore import restore
from galaxynet.images.preprocessing import Preprocessing
from galaxynet.runs import InitialWeights, Run
from galaxynet.tasks import Task
from galaxynet.tasks.transfer import copy_weights, digest
from galaxynet.training.config import Plan
from galaxynet.training.pretrained import Pretrained
from galaxynet.training.ranks import Request


@dataclass
class StartingWeights:
    """The weights that a training begins with, if it does not begin at random.

    Attributes:
        preprocessing: What the images of these weights went through; None for weights without images.
        record: What was taken over; None for random weights, and before `load_into`.
        source: The trained network; None if there is none, or the training continues from a checkpoint.
        pretrained: The run that it is from.
    """

    preprocessing: Preprocessing | None = None
    record: InitialWeights | None = None
    source: Task | None = None
    pretrained: Pretrained | None = None

    @classmethod
    def of(cls, request: Request, checkpoint: Path | None) -> StartingWeights:
        """Read the weights that the plan of a training names.

        Args:
            request: The training.
            checkpoint: The checkpoint that it continues from; the run that its weights were from may be gone.

        Raises:
            RunError: If there is no such run, or its weights are missing or damaged.
            PluginError: If its network's plugin is broken.
        """
        reference, resumed = request.plan.training.weights, request.resume
        if not reference:
            return cls()
        if resumed is not None and checkpoint is not None:
            return cls(_preprocessing(resumed), resumed.record.weights)
        pretrained = Pretrained.find(request.runs_dir, reference)
        return cls(_preprocessing(pretrained.run), None, restore(pretrained.run), pretrained)

    def load_into(self, network: Task, data: DataModule, plan: Plan) -> None:
        """Copy the weights into a network and record what was taken over.

        Args:
            network: The network to be trained.
            data: Its data.
            plan: What is trained.

        Raises:
            UsageError: If the images have other channels than those of the weights, or nothing fits.
        """
        if self.source is None or self.pretrained is None:
            return
        run = self.pretrained.run
        _check_channels(run, self.source, data)
        transfer = copy_weights(network, self.source, name=plan.model.name, label=run.label)
        values = plan.options()
        supplied = self.pretrained.options(plan.model_spec.options, plan.dataset_spec.options)
        options = {name: value for part in supplied.values() for name, value in part.items()}
        self.record = InitialWeights(
            run=run.record.id,
            name=run.label,
            model=run.record.model.name,
            digest=digest(self.source.network),
            tensors=transfer.tensors,
            taken=transfer.taken,
            modules=list(transfer.modules),
            new=list(transfer.new),
            options={name: value for name, value in options.items() if values[name] == value},
            notes=_differences(self.preprocessing, data.preprocessing),
        )
        self.source = None  # its memory is not needed in training


def _preprocessing(run: Run) -> Preprocessing | None:
    values = run.record.preprocessing
    return Preprocessing.from_dict(values) if values else None


def _check_channels(run: Run, source: Task, data: DataModule) -> None:
    theirs, ours = source.data_info.input_shape, data.info.input_shape
    if len(theirs) == len(ours) == 3 and theirs[0] != ours[0]:
        raise UsageError(
            f"The weights of {run.label} take images with {theirs[0]} channels, and those of {data.name} "
            f"have {ours[0]}.",
            "Name weights for such images, or leave out --weights.",
        )


def _differences(theirs: Preprocessing | None, ours: Preprocessing | None) -> list[str]:
    """What the images of the weights went through and these do not."""
    if theirs is None or ours is None:
        return []
    notes = []
    if (theirs.height, theirs.width) != (ours.height, ours.width):
        notes.append(
            f"images of {ours.width} x {ours.height} pixels; the weights were trained with {theirs.width} x "
            f"{theirs.height}"
        )
    if abs(_share(theirs) - _share(ours)) > 0.01:
        notes.append(
            f"the central {_share(ours):.0%} of each image; the weights were trained with "
            f"{_share(theirs):.0%}"
        )
    return notes


def _share(preprocessing: Preprocessing) -> float:
    """The share of an image's side that a network sees."""
    crop, frame = preprocessing.crop, preprocessing.frame
    return crop / frame if crop and frame else 1.0
