"""Classifiers on features: closed forms, paths, and populations trained as one."""

from regraft.heads.classifier import Classifier, Linear, Neighbours, from_arrays, to_arrays
from regraft.heads.logistic import Logistic, logistic_path
from regraft.heads.member import Examples, Member, Schedule, sample_members
from regraft.heads.nearest_mean import NearestMean
from regraft.heads.neighbours import NearestNeighbours
from regraft.heads.platt import Platt, fit_platt, sigmoid
from regraft.heads.population import Population, train_population
from regraft.heads.ridge import Ridge, ridge_path
from regraft.heads.selection import Head, PenaltyPath, accuracy, held_out, tempered_log_loss
from regraft.heads.weighting import balanced

# The kinds of head that a recipe can name.
HEADS: dict[str, type[Ridge | Logistic | NearestMean | NearestNeighbours]] = {
    "ridge": Ridge,
    "logistic": Logistic,
    "nearest_mean": NearestMean,
    "nearest_neighbours": NearestNeighbours,
}

__all__ = [
    "HEADS",
    "Classifier",
    "Examples",
    "Head",
    "Linear",
    "Logistic",
    "Member",
    "NearestMean",
    "NearestNeighbours",
    "Neighbours",
    "PenaltyPath",
    "Platt",
    "Population",
    "Ridge",
    "Schedule",
    "accuracy",
    "balanced",
    "fit_platt",
    "from_arrays",
    "held_out",
    "logistic_path",
    "ridge_path",
    "sample_members",
    "sigmoid",
    "tempered_log_loss",
    "to_arrays",
    "train_population",
]
