"""Classifiers on features: closed forms, paths, and populations trained as one."""

from regraft.heads.blend import Blend, Part
from regraft.heads.classifier import Classifier, Linear, Neighbours
from regraft.heads.elastic import ElasticLogistic
from regraft.heads.kernel_machine import KernelMachine
from regraft.heads.kernel_ridge import KernelRidge
from regraft.heads.layers import Layers
from regraft.heads.lda import Lda
from regraft.heads.logistic import Logistic, logistic_path
from regraft.heads.member import Examples, Member, Schedule, sample_members
from regraft.heads.nearest_mean import NearestMean
from regraft.heads.neighbours import NearestNeighbours
from regraft.heads.perceptron import Perceptron
from regraft.heads.platt import Platt, fit_platt, sigmoid
from regraft.heads.population import Population, train_population
from regraft.heads.ridge import Ridge, ridge_path
from regraft.heads.selected import SelectedRidge
from regraft.heads.selection import Head, KnowsPath, PenaltyPath, accuracy, held_out, tempered_log_loss
from regraft.heads.storage import from_arrays, to_arrays
from regraft.heads.support_vectors import KernelSvm, LinearSvm
from regraft.heads.together import Together, held_out_together
from regraft.heads.trained_linear import TrainedLinear
from regraft.heads.weighting import balanced

NamedHead = (
    Ridge
    | Logistic
    | ElasticLogistic
    | Lda
    | NearestMean
    | NearestNeighbours
    | LinearSvm
    | KernelSvm
    | KernelRidge
    | Perceptron
    | SelectedRidge
    | TrainedLinear
)
HeadSettings = NamedHead | Blend

# The kinds of head that can be asked for by name.
HEADS: dict[str, type[NamedHead]] = {
    "ridge": Ridge,
    "logistic": Logistic,
    "elastic": ElasticLogistic,
    "lda": Lda,
    "nearest_mean": NearestMean,
    "nearest_neighbours": NearestNeighbours,
    "linear_svm": LinearSvm,
    "kernel_svm": KernelSvm,
    "kernel_ridge": KernelRidge,
    "perceptron": Perceptron,
    "selected_ridge": SelectedRidge,
    "trained_linear": TrainedLinear,
}

__all__ = [
    "HEADS",
    "Blend",
    "Classifier",
    "ElasticLogistic",
    "Examples",
    "Head",
    "HeadSettings",
    "KernelMachine",
    "KernelRidge",
    "KernelSvm",
    "KnowsPath",
    "Layers",
    "Lda",
    "Linear",
    "LinearSvm",
    "Logistic",
    "Member",
    "NamedHead",
    "NearestMean",
    "NearestNeighbours",
    "Neighbours",
    "Part",
    "PenaltyPath",
    "Perceptron",
    "Platt",
    "Population",
    "Ridge",
    "Schedule",
    "SelectedRidge",
    "Together",
    "TrainedLinear",
    "accuracy",
    "balanced",
    "fit_platt",
    "from_arrays",
    "held_out",
    "held_out_together",
    "logistic_path",
    "ridge_path",
    "sample_members",
    "sigmoid",
    "tempered_log_loss",
    "to_arrays",
    "train_population",
]
