"""Tasks: LightningModule base classes with loss, metrics and optimiser for a network."""

from galaxynet.tasks.activations import activation
from galaxynet.tasks.classifier import Classifier
from galaxynet.tasks.language_model import LanguageModel
from galaxynet.tasks.reconstructor import Reconstructor
from galaxynet.tasks.task import Task
from galaxynet.tasks.vote_fractions import VoteFractions

__all__ = ["Classifier", "LanguageModel", "Reconstructor", "Task", "VoteFractions", "activation"]
