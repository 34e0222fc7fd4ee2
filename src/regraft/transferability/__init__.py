"""How well a pretrained network would carry over to labelled images, judged without training it."""

from regraft.transferability import gbc, h_score, knn, leep, logme, n_leep, nce, ridge, sfda
from regraft.transferability.frechet import Gaussian, frechet, frechet_between
from regraft.transferability.score import Measured, Sample, Score
from regraft.transferability.source_entropy import source_entropy

SCORES: tuple[Score, ...] = (
    Score("ridge", "ridge, leave-one-out accuracy", ridge.measure, needs_source=False),
    Score("knn", "k-NN, leave-one-out accuracy", knn.measure, needs_source=False),
    Score("logme", "LogME, log evidence per image", logme.measure, needs_source=False),
    Score("h_score", "H-score, shrunken", h_score.measure, needs_source=False),
    Score("sfda", "SFDA, log-likelihood", sfda.measure, needs_source=False),
    Score("gbc", "GBC, minus the overlap of classes", gbc.measure, needs_source=False),
    Score("n_leep", "N-LEEP, log-likelihood through clusters", n_leep.measure, needs_source=False),
    Score("leep", "LEEP, log-likelihood through source classes", leep.measure, needs_source=True),
    Score("nce", "NCE, minus conditional entropy", nce.measure, needs_source=True),
)

__all__ = [
    "SCORES",
    "Gaussian",
    "Measured",
    "Sample",
    "Score",
    "frechet",
    "frechet_between",
    "source_entropy",
]
