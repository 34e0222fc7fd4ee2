"""What a ranking of networks says in words: which one and why, what is cheaper, how far to train it."""

from collections.abc import Mapping
from typing import Any

from regraft.evaluation.phrases import count, percent

Row = Mapping[str, Any]

NEAR, FAR = 0.2, 0.3
"""Of the shift: photographs stay below the one, drawings of one colour, signs and cells lie above the other
(`benchmarks/ranking.py` lists the shifts of its data sets)."""

FEW_PER_CLASS, MANY_PER_CLASS = 100, 500
"""Images of a class. Rules of thumb, not measured here: frozen features hold their own with few images, and
training further pays more the more images there are and the farther they are from the source (Kornblith et
al. 2019, 1805.08974; Raghu et al. 2019, 1902.07208)."""

WORTH_FASTER = 1.5

SCORES = {
    "ridge": ("Ridge", "share right when each image is left out of a ridge regression"),
    "knn": ("k-NN", "share right by the nearest neighbours"),
    "logme": ("LogME", "log evidence of a Bayesian linear model, per image"),
    "h_score": ("H-score", "how far class means lie apart for their spread"),
    "sfda": ("SFDA", "log-likelihood after a discriminant analysis made harder"),
    "gbc": ("GBC", "minus the overlap of the classes as Gaussians"),
    "n_leep": ("N-LEEP", "log-likelihood of classes through clusters"),
    "leep": ("LEEP", "log-likelihood of classes through the network's own classes"),
    "nce": ("NCE", "what its own classes leave unknown, negative"),
}


def headline(found: Mapping[str, Any]) -> str:
    """The one sentence to remember."""
    row = found["candidates"][0]
    return f"Start from {called(row)}"


def called(row: Row) -> str:
    """A network and the image size it works at.

    >>> called({"name": "lite0:96px", "image_px": 96}), called({"name": "lite0", "image_px": 224})
    ('lite0:96px', 'lite0 (224 px)')
    """
    name: str = row["name"]
    return name if f"{row['image_px']}px" in name else f"{name} ({row['image_px']} px)"


def reason(found: Mapping[str, Any]) -> str:
    """Why the recommended network is recommended."""
    best, *others = found["candidates"]
    score = best["score"]
    ends = f"{percent(score['low'])} to {percent(score['high'])}"
    images = f"{count(best['images'], 'image')} held out in turn"
    sentence = f"{measure(found)} {percent(score['value'])} ({ends}) on {images}"
    if not others:
        return f"{sentence}; no other network took part."
    second = others[0]
    behind = second["behind"]["value"]
    if behind < 0 and second["probability_better"] < 0.05:
        share = percent(1 - second["probability_better"])
        return (
            f"{sentence}; its log-loss is below that of {called(second)}, the next, in {share} of resamples "
            f"({points(behind)} behind)."
        )
    gap = (
        f"{points(behind)} behind"
        if behind < 0
        else "as often right but less sure of it"
        if behind == 0
        else (f"{points(behind)} ahead but with the higher log-loss")
    )
    return f"{sentence}; {called(second)} is next, {gap}, which may be chance."


def measure(found: Mapping[str, Any]) -> str:
    """What candidates are measured by."""
    return "Mean average precision" if found["multilabel"] else "Right on"


def points(difference: float) -> str:
    """A difference of shares.

    >>> points(0.0125), points(-0.0001)
    ('1.2 points', '0.0 points')
    """
    return f"{abs(100 * difference):.1f} points"


def cheaper(found: Mapping[str, Any]) -> str:
    """The next best that is much faster, if there is one on the front."""
    best, *others = found["candidates"]
    faster = [
        row for row in others if row["on_front"] and best["ms_per_image"] > WORTH_FASTER * row["ms_per_image"]
    ]
    if not faster:
        return ""
    row = max(faster, key=lambda row: row["expected"])
    times = best["ms_per_image"] / row["ms_per_image"]
    behind = row["behind"]
    return (
        f"{called(row)} is {times:.1f} times as fast and {points(behind['value'])} "
        f"{'behind' if behind['value'] <= 0 else 'ahead'} ({100 * behind['low']:+.1f} to "
        f"{100 * behind['high']:+.1f}, on {count(row['images'], 'image')})."
    )


def likeness(found: Mapping[str, Any]) -> str:
    """How far the images are from what the recommended network was trained on."""
    row = found["candidates"][0]
    shift, entropy = row["source"]["shift"], row["source"]["entropy"]
    if shift is None and entropy is None:
        return f"{row['name']} says nothing of the images it was trained on."
    said = []
    if shift is not None:
        place = "near" if shift < NEAR else "far from" if shift > FAR else "at some distance from"
        said.append(f"The images are {place} those that {row['name']} was trained on (shift {shift:.2f})")
    if entropy is not None:
        said.append(f"its own classes leave it {percent(entropy)} of the largest uncertainty")
    return f"{'; '.join(said)}."


def training(found: Mapping[str, Any]) -> str:
    """Whether to read the network as it is or to train it further."""
    per_class = found["images"] / found["classes"]
    shift = found["candidates"][0]["source"]["shift"]
    amount = f"With {per_class:.0f} images per class"
    if per_class < FEW_PER_CLASS:
        return f"{amount}, prefer frozen features: there are too few to move a network's weights safely."
    if per_class > MANY_PER_CLASS and shift is not None and shift > FAR:
        return f"{amount} and far from the source, prefer a network that is trained further, all of it."
    if per_class > MANY_PER_CLASS or (shift is not None and shift > FAR):
        return f"{amount}, begin with frozen features; training the last stages further may pay."
    return f"{amount} and not far from the source, frozen features do nearly as well as training further."


def sentences(found: Mapping[str, Any]) -> list[str]:
    """All that is said of a ranking, but for the table."""
    said = [reason(found), cheaper(found), likeness(found), training(found)]
    return [sentence for sentence in said if sentence]
