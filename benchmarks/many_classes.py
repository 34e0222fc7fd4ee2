"""Every kind of head on ten thousand classes: seconds, resident memory, and how often it is right.

Made features: ten thousand means in 64 dimensions, one example of each to learn from, others to be tested on,
with so much noise that no head is always right. Each head has a process of its own. Kernel ridge takes 5,000
examples; the other classes are there but have none, and only those that have are tested. Penalties are given,
since a path of them is refused where there are as many held-out scores as this.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

CLASSES, WIDTH, TESTED = 10_000, 64, 5000
NOISE = 0.8
LIMIT_S = 1800
HEADS = (
    *("Ridge()", "Ridge(0.1)", "Lda()", "NearestMean()", "NearestNeighbours(1)"),
    *("KernelRidge(0.1)", "KernelSvm()", "TrainedLinear(learning_rate=0.1)", "Logistic(0.01)"),
    *("LinearSvm(0.1)", "Perceptron()", "SelectedRidge(0.5, 0.1)", "ElasticLogistic(0.3)"),
)


def run(data: Path | None, quick: bool) -> dict:
    """`data` is not needed."""
    del data
    classes = CLASSES // 20 if quick else CLASSES
    rows = []
    for head in HEADS:
        rows.append({"head": head, **_measured(head, classes)})
        print(rows[-1], flush=True)
    return {
        "classes": classes,
        "width": WIDTH,
        "tested": TESTED,
        "limit_s": LIMIT_S,
        "reached": all("fit_s" in row for row in rows),
        "rows": rows,
    }


def _measured(head: str, classes: int) -> dict:
    command = [sys.executable, "-m", "benchmarks.many_classes", head, str(classes)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return {"ended": f"after {LIMIT_S} s"}
    return json.loads(done.stdout) if done.returncode == 0 else {"ended": done.stderr.strip().split("\n")[-1]}


def made(classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Features and labels to learn from, features and labels to be tested on."""
    random = np.random.default_rng(0)
    means = random.standard_normal((classes, WIDTH), np.float32)

    def drawn(labels: np.ndarray) -> np.ndarray:
        return means[labels] + np.float32(NOISE) * random.standard_normal((len(labels), WIDTH), np.float32)

    labels, tested = np.arange(classes), random.integers(0, classes, TESTED)
    return drawn(labels), labels, drawn(tested), tested


def main(expression: str, classes: int) -> None:
    """Fit one head and print what it took."""
    from regraft import heads

    head = eval(expression, vars(heads))
    most = min(classes, getattr(head, "most_examples", classes))
    features, labels, unseen, answers = made(most)
    before = _peak_gb()
    started = time.perf_counter()
    fitted = head.fit(features, labels, class_count=classes)
    fit_s = time.perf_counter() - started
    started = time.perf_counter()
    scores = fitted.scores(unseen)
    row = {
        "examples": len(labels),
        "fit_s": fit_s,
        "scores_s": time.perf_counter() - started,
        "accuracy": float((scores.argmax(1) == answers).mean()),
        "before_gb": before,
        "resident_gb": _peak_gb(),
    }
    print(json.dumps(row))


def _peak_gb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**20


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
