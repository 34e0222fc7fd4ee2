"""Fine-tuning as a trial: judged by networks that did not see the held-out images, then fitted to all."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from regraft.backbones import Backbone, Card
from regraft.core.arrays import Features, Mask, Scores, Weights
from regraft.core.errors import TrainingError
from regraft.core.files import cache_folder, write_bytes
from regraft.core.hashing import sha256_of_bytes
from regraft.features import Affine, fit_affine
from regraft.heads import Linear
from regraft.pipeline.cut import FOREVER, Cut, Patience
from regraft.pipeline.judging import Candidate, require_linear
from regraft.pipeline.model import Model
from regraft.pipeline.recipe import Recipe
from regraft.pipeline.trials import changed_s
from regraft.training import Finetune

if TYPE_CHECKING:
    from regraft.pipeline.climb import Climb
    from regraft.training.tunable import Lesson, Tunable

TUNED = "tuned"
"""Folder of the cache that holds fine-tuned weights until a model is saved with them."""

MOST_KEPT = 20
TIMED_STEPS = 3


@dataclass(frozen=True)
class FineTuning:
    """A recipe that trains the last stages of its network, on the images for learning of a climb.

    It starts from the recipe's head, solved on the stored features of the network as it came (Kumar et al.
    2022, LP-FT, 2202.10054). Features of stages that stay fixed are read from the store, also in training.

    What is asked of it may raise what `make_cut` raises.
    """

    climb: "Climb"
    recipe: Recipe
    patience: Patience = FOREVER

    @property
    def settings(self) -> Finetune:
        """How it trains."""
        assert self.recipe.finetune is not None, "the recipe says how"
        return self.recipe.finetune

    @property
    def settled(self) -> Recipe:
        """The recipe with what its head finds on its own, such as a penalty.

        Raises:
            RecipeError: the head is not linear.
        """
        return replace(self._before.model.recipe, finetune=self.settings)

    @cached_property
    def _cut(self) -> Cut:
        name, stages = self.recipe.backbones[0], self.settings.stages
        return self.climb.trunk.cut(name, stages, self.climb.dataset, self.patience)

    @cached_property
    def lesson(self) -> "Lesson":
        """What is learnt from, of all images for learning."""
        from regraft.training.tunable import Lesson

        return Lesson(self._cut.handed, self._rows, self.climb.dataset.labels, self._weights)

    @property
    def everything(self) -> Mask:
        """All images for learning."""
        return np.ones(len(self._rows), bool)

    def model(self, learnt: Mask) -> "Tunable":
        """The network as it came, with the head solved on some images."""
        from regraft.training.tunable import Tunable

        card, depths = self._backbone.card, self.recipe.representation.depths
        head = self._solved(learnt)
        model = Tunable(self._cut.tail, card, depths, head=head, affine=self._affine)
        return model.to(self._cut.tail.mean.device)

    def cost_s(self, *, also_fit: bool = False) -> float:
        """Seconds that `held_out`, or `fit`, will take, by the time of a few steps."""
        from regraft.training.descent import restored, train

        model, lesson = self.model(self.everything), self.lesson
        with restored(model):
            started, ended = time.perf_counter(), list[float]()
            for _ in islice(train(model, lesson, self.settings), TIMED_STEPS):
                ended.append(time.perf_counter())
        # The first step finds nothing warm.
        step_s = (ended[-1] - ended[0]) / (len(ended) - 1) if len(ended) > 1 else ended[0] - started
        # A third of a step is the forward pass that scores need.
        scoring_s = step_s / 3 * len(lesson) / self.settings.batch_size
        return step_s * self.settings.steps * (len(self._fold_numbers) + also_fit) + scoring_s

    def held_out(self) -> Iterator[Scores]:
        """Scores [n, k] after each fold: of every image by a network that did not learn from its fold.

        Raises:
            TrainingError: it diverged, or was stopped.
        """
        from regraft.training.descent import restored
        from regraft.training.tunable import scores_of

        folds = self.climb.rounds[0]
        scores = np.full((len(folds), self.climb.class_count), np.nan, np.float32)
        for number in self._fold_numbers:
            out = folds == number
            model = self.model(~out)
            with restored(model):
                self._train(model, self.lesson.of(~out))
                scores[out] = scores_of(model, self.lesson.of(out))
            yield scores

    def fit(self, known: Scores | None = None) -> tuple[Model, Scores]:
        """Fine-tune on all images for learning; the model, and held-out scores [n, k] unless they are known.

        Raises:
            TrainingError: it diverged.
            ArtifactError: the cache cannot be written.
        """
        from regraft.training.descent import restored

        for scores in self.held_out() if known is None else ():
            known = scores
        assert known is not None, "there is at least one fold"
        model = self.model(self.everything)
        with restored(model):
            self._train(model, self.lesson)
            classifier = model.solved.fold(self._affine.shift, self._affine.scale)
            card = self._save(model)
        return Model(self.climb.dataset.classes, (card,), self.settled, classifier), known

    def _train(self, model: "Tunable", lesson: "Lesson") -> None:
        from regraft.training.descent import train

        for _ in train(model, lesson, self.settings):
            if self.patience.should_stop():
                raise TrainingError("It was stopped before the network was trained.")

    @cached_property
    def _before(self) -> Candidate:
        assert self.recipe.head is not None, "a recipe that is tried names its head"
        # Before anything is computed for it.
        require_linear(self.recipe.head)
        return self.climb.attempt(replace(self.recipe, finetune=None))

    @property
    def _backbone(self) -> Backbone:
        return self.climb.trunk.backbone(self.recipe.backbones[0])

    @cached_property
    def _rows(self) -> Features:
        return self.climb.trunk.read(self.recipe.representation, self.climb.dataset)

    @cached_property
    def _affine(self) -> Affine:
        return fit_affine(self.recipe.representation, [self._backbone.card], self._rows)

    @property
    def _weights(self) -> Weights:
        given = self.climb.weights
        return np.ones(len(self._rows)) if given is None else given

    @property
    def _fold_numbers(self) -> list[int]:
        return [int(number) for number in np.unique(self.climb.rounds[0][self.climb.held_out])]

    def _solved(self, learnt: Mask) -> Linear:
        """The head fitted to some images, its scores at the temperature of the held-out ones."""
        scaled, head = self._affine(self._rows[learnt]), self.settled.head
        assert head is not None, "it was settled"
        labels, count = self.climb.dataset.labels[learnt], self.climb.class_count
        solved = head.fit(scaled, labels, class_count=count, weights=self._weights[learnt])
        assert isinstance(solved, Linear), "it was asked for"
        temperature = self._before.model.temperature
        return Linear(solved.weights / temperature, solved.bias / temperature)

    def _save(self, model: "Tunable") -> Card:
        """Keep the network's weights in the cache, under their content; the card of the network they make."""
        from safetensors.torch import save

        from regraft.backbones.sources import identify, with_weights

        state = model.tail.network.state_dict()
        data = save({name: tensor.contiguous().cpu() for name, tensor in state.items()})
        folder = cache_folder() / TUNED
        file = folder / f"{sha256_of_bytes(data)[:16]}.safetensors"
        for older in sorted(folder.glob("*.safetensors"), key=changed_s)[:-MOST_KEPT]:
            older.unlink(missing_ok=True)
        write_bytes(file, data)
        name = with_weights(identify(self.recipe.backbones[0]), str(file))
        return self.climb.trunk.backbone(name).card
