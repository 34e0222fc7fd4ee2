"""Where to look first: ranges narrower than a knob allows, and knobs that are not worth a search.

A knob's ends are what a fit accepts. Good values of a penalty rarely lie at a millionth or a million, and a
search over all of it would spend most of its trials there. `--space` reaches the rest.
"""

from regraft.heads import HEADS

# As on the command line; None keeps the default and makes no axis. Penalties of ridge, logistic and kernel
# ridge once had two or three decades more: without them the lowest log-loss of 60 trials of TPE fell by
# 0.0 to 3.5 % on seven sets (ten seeds, of one set two; one held-out fold; 2026-11-30).
SENSIBLE: dict[str, dict[str, str | None]] = {
    "ridge": {"penalty": "1e-3..1e2:log"},
    "logistic": {"penalty": "1e-5..1:log", "smoothing": "0..0.3"},
    "elastic": {"penalty": "1e-6..1:log"},
    "linear_svm": {"penalty": "1e-4..1e2:log"},
    "kernel_svm": {"cost": "0.1..1e4:log", "width": "0.2..5:log"},
    "kernel_ridge": {"penalty": "1e-5..1:log", "width": "0.3..3:log"},
    "nearest_neighbours": {"neighbours": "1..50:log:int"},
    "selected_ridge": {"share": "0.01..1:log", "penalty": "1e-4..1e4:log"},
    "perceptron": {
        "width": "32..1024:log:int",
        "dropout": "0..0.7",
        "learning_rate": "1e-4..3e-2:log",
        "weight_decay": "1e-5..1:log",
        "smoothing": "0..0.3",
        "batch_size": None,
        "epochs": None,
        "patience": None,
    },
    # Heads of the same batch size and dropout train side by side, so these take few values.
    "trained_linear": {
        "learning_rate": "1e-3..10:log",
        "momentum": "0.8..0.99",
        "weight_decay": "1e-6..0.1:log",
        "smoothing": "0..0.3",
        "dropout": "0,0.5",
        "batch_size": "32,64,256",
        "augmentation": None,
        "strength": None,
        "width": None,
        "epochs": None,
    },
}

NEVER_SEARCHED = ("seed",)
"""The luckiest seed is no better than another on new images."""


def sensible_axes(kind: str, settings: type) -> dict[str, str | None]:
    """What the table says of a head's fields, if it is our head of that name."""
    return SENSIBLE.get(kind, {}) if HEADS.get(kind) is settings else {}
