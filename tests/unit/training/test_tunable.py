import numpy as np
import pytest
import torch

from regraft.training.tunable import scores_of


@pytest.mark.parametrize("stages", [1, 2, 5])
@pytest.mark.parametrize("depths", ["last", "all", "grid"])
def test_before_training_it_scores_as_the_head_does_on_stored_rows(depths: str, stages: int, ready) -> None:
    model, lesson = ready(depths=depths, stages=stages)
    head = model.solved.fold(model.shift.numpy(), model.scale.numpy())
    np.testing.assert_allclose(scores_of(model, lesson), head.scores(lesson.rows), atol=5e-3)


def test_stored_columns_of_trained_stages_are_not_read(ready) -> None:
    model, lesson = ready(depths="all", stages=2)
    spoilt = lesson.rows.copy()
    spoilt[:, model.into.numpy()] = np.nan
    of_spoilt = model(lesson.handed.float(), torch.from_numpy(spoilt))
    assert torch.isfinite(of_spoilt).all()
    assert 0 < len(model.into) < spoilt.shape[1]


def test_a_lesson_of_some_images_keeps_their_order(ready) -> None:
    _, lesson = ready()
    chosen = np.arange(len(lesson)) % 3 == 1
    part = lesson.of(chosen)
    assert len(part) == chosen.sum()
    handed, rows, labels, weights = part.at(np.arange(len(part)))
    np.testing.assert_array_equal(rows, lesson.rows[chosen])
    np.testing.assert_array_equal(handed, lesson.handed.numpy()[chosen])
    np.testing.assert_array_equal(labels, lesson.labels[chosen])
    np.testing.assert_array_equal(weights, lesson.weights[chosen])
    np.testing.assert_array_equal(part.at(np.array([2, 0]))[2], lesson.labels[chosen][[2, 0]])
    assert part.handed is lesson.handed
