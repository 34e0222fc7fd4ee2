"""The page about the data: well formed, self-contained, bounded, and no name is taken for markup."""

import re
from html.parser import HTMLParser

import numpy as np
import PIL.Image
import pytest

from regraft.report import audit_page, findings

VOID = {"meta", "link", "line", "circle", "br", "img"}


class Page(HTMLParser):
    """Checks that tags are balanced and keeps what it saw."""

    def __init__(self, source):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def pictured(faulty, tmp_path):
    """The faulty set with pictures that exist."""
    random = np.random.default_rng(0)
    paths = [str(tmp_path / f"{number}.png") for number in range(3)]
    for path in paths:
        PIL.Image.fromarray(random.integers(0, 255, (90, 120, 3), dtype=np.uint8)).save(path)
    return faulty | {"root": str(tmp_path), "conflicts": [paths[:2]], "samples": {"cat": paths, "dog": []}}


@pytest.mark.parametrize("case", ["sound", "faulty", "pictured"])
def test_is_well_formed_and_needs_nothing_else(case, request):
    source = audit_page(request.getfixturevalue(case))
    page = Page(source)
    assert not {"script", "iframe", "i"} & set(page.tags)
    links = [value for name, value in page.attributes if name in ("src", "href")]
    assert all(value == "data:," or value.startswith("data:image/jpeg;base64,") for value in links)
    assert not re.search(r"https?:|@import|url\(", source)


def test_says_what_was_found(faulty):
    text = Page(audit_page(faulty)).text
    for finding in findings(faulty):
        assert " ".join(finding.sentence.split()) in text
        assert finding.advice in text


def test_what_users_named_is_shown_as_they_named_it(faulty):
    evil = '"><script>x</script>'
    faulty["classes"] = {evil: 3, "b": 4}
    faulty["samples"] = {evil: [], "b": []}
    page = Page(audit_page(faulty | {"root": f"/photos/{evil}"}))
    assert "script" not in page.tags
    assert page.text.count("<script>x</script>") >= 2
    assert "dog/<b>.png" in page.text
    assert "<i>dog</i>" in page.text


def test_copies_are_shown_side_by_side_with_class_and_part(pictured):
    page = Page(audit_page(pictured))
    assert page.tags.count("img") == 2 + 3
    assert "One picture, different labels" in page.text
    assert "mirrored" in page.text
    assert "and 1,998 more such sets." in page.text


def test_a_sound_set_has_no_section_about_faults(sound):
    text = Page(audit_page(sound)).text
    for words in ("different labels", "Stored more than once", "Skipped files", "Unlike the others"):
        assert words not in text
    assert "Nothing was found" in text
    assert "Bytes per file" in text


def test_many_classes_and_sets_are_bounded(sound):
    sound["classes"] = {f"class {n}": 1000 - n for n in range(500)}
    sound["samples"] = {name: [] for name in sound["classes"]}
    sound["copies"] = [[f"/photos/{n}/{m}.png" for m in range(50)] for n in range(100)]
    page = Page(audit_page(sound | {"totals": {"copies": 4000}}))
    assert "476 between them are not shown" in page.text
    assert "class 0 " in page.text
    assert "class 499 " in page.text
    assert "class 250 " not in page.text
    assert "and 3,984 more such sets." in page.text
    assert "and 42 more" in page.text
    assert len(audit_page(sound)) < 400_000


def test_without_any_image(sound):
    nothing = sound | {"images": 0, "classes": {}, "balance": None, "kinds": {}, "sizes": {}, "bits": {}}
    nothing |= dict.fromkeys(("width_px", "height_px", "aspect_ratio", "file_bytes"))
    nothing |= {"shortcuts": {"images": 0, "cues": []}, "samples": {}}
    assert "0 images in 0 classes." in Page(audit_page(nothing)).text
