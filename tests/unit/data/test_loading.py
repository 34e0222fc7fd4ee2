import threading
import time

import numpy as np
import pytest

from regraft.data import View, batches, decode, loading

VIEW = View(8, 1.0)


@pytest.fixture
def paths(put):
    return [put(f"{i:02}.png", i) for i in range(50)]


def decoders():
    return [t for t in threading.enumerate() if t.name.startswith("regraft-decode")]


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_hold_every_image_in_order(paths, workers):
    found = list(batches(paths, VIEW, size=16, workers=workers))
    assert [len(b.indices) for b in found] == [16, 16, 16, 2]
    assert np.concatenate([b.indices for b in found]).tolist() == list(range(50))
    images = np.concatenate([b.images for b in found])
    assert images.shape == (50, 8, 8, 3)
    assert images[:, 0, 0, 0].tolist() == list(range(50))
    assert not decoders()


def test_images_are_decoded_at_the_views_scale(photo, tmp_path):
    path = tmp_path / "p.jpg"
    photo.save(path)
    view = View(32, 1.0)
    [batch] = batches([path], view)
    np.testing.assert_array_equal(batch.images[0], view(decode(path, at_least_px=view.decode_px)))
    assert (batch.images[0] != view(decode(path))).any()


def test_damaged_files_are_skipped_with_a_reason(paths):
    paths[3].write_bytes(b"no image")
    paths[17].unlink()
    first, second, *_ = batches(paths, VIEW, size=16)
    assert first.indices.tolist() == [0, 1, 2, *range(4, 16)]
    assert first.images[:, 0, 0, 0].tolist() == first.indices.tolist()
    assert [(s.path, s.reason[:12]) for s in first.skipped] == [(paths[3], "it is no JPE")]
    assert second.skipped[0].reason == "there is no such file"


def test_a_batch_of_nothing_usable(paths):
    [batch] = batches([b"", b"x"], VIEW)
    assert batch.images.shape == (0, 8, 8, 3)
    assert [str(s.path) for s in batch.skipped] == ["image 0", "image 1"]


def test_sources_of_every_kind(paths, photo):
    sources = [paths[7], str(paths[7]), paths[7].read_bytes(), photo, np.zeros((9, 9), np.uint8)]
    [batch] = batches(sources, VIEW)
    assert batch.images[:, 0, 0, 0].tolist()[:3] == [7, 7, 7]
    assert len(batch.indices) == 5


def test_no_sources_no_batches():
    assert list(batches([], VIEW)) == []


def test_memory_is_bounded(monkeypatch):
    seen = set()
    plainly = loading.decode_plainly
    monkeypatch.setattr(
        loading, "decode_plainly", lambda s, **k: (seen.add(int(s[0, 0])), plainly(s, **k))[1]
    )
    sources = [np.full((8, 8), i, np.uint8) for i in range(200)]
    running = batches(sources, VIEW, size=10)
    next(running)
    time.sleep(0.1)
    assert len(seen) <= 10 * (1 + loading.AHEAD)
    running.close()


def test_decoding_runs_while_the_caller_works(monkeypatch):
    started = threading.Event()

    def slow(source, **_):
        if source[0, 0] == 1:
            started.set()
        return np.zeros((8, 8, 3), np.uint8)

    monkeypatch.setattr(loading, "decode_plainly", slow)
    running = batches([np.full((8, 8), i, np.uint8) for i in range(3)], VIEW, size=1)
    next(running)
    assert started.wait(5), "the second image is decoded before it is asked for"
    running.close()


def test_closing_early_stops_the_threads(monkeypatch):
    decoded = []

    def slow(source, **_):
        decoded.append(source)
        time.sleep(0.01)
        return np.zeros((8, 8, 3), np.uint8)

    monkeypatch.setattr(loading, "decode_plainly", slow)
    running = batches([b"x"] * 1000, VIEW, size=100)
    next(running)
    begun = time.monotonic()
    running.close()
    assert time.monotonic() - begun < 0.5
    assert len(decoded) < 300
    assert not decoders()


def test_mistakes_of_the_program_are_not_swallowed(monkeypatch):
    def broken(source, **_):
        raise KeyError("bug")

    monkeypatch.setattr(loading, "decode_plainly", broken)
    with pytest.raises(KeyError, match="bug"):
        list(batches([b"x"], VIEW))
    assert not decoders()
