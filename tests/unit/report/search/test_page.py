"""The page of a search: well formed, self-contained, with words for whoever cannot see it."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from regraft.report import ablation_text, html, search_page
from regraft.report.search import search_part

Search = dict[str, Any]
VOID = {"meta", "link", "line", "circle", "br", "path", "rect", "polyline"}


class Page(HTMLParser):
    """Checks that tags are balanced and keeps what it saw."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag in ("meta", "link", "br"):
            self.open.append(tag)
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def page_of(search: Search) -> Page:
    return Page(re.sub(r"<(meta|link)[^>]*>", "", search_page(search, run="/runs/a <b>")))


def test_it_is_well_formed_and_needs_nothing_else(search: Search, ablation: list[Any]) -> None:
    source = search_page(search | {"ablation": ablation}, run="/runs/a <b>")
    page = page_of(search | {"ablation": ablation})
    assert not {"script", "img", "iframe", "b", "i"} & {t for t in page.tags if t != "i"}
    assert not re.search(r"https?:|@import|url\(", source)
    assert "nan" not in re.findall(r'(?:x|y|cx|cy|points|width)="([^"]*)"', source)
    assert source.startswith("<!doctype html>")


def test_what_users_named_is_shown_as_they_named_it(search: Search) -> None:
    page = page_of(search)
    for words in ("<i>mine</i>", "widen <script>alert(1)</script>", "runs/<x>/study/trials.log", "a <b>"):
        assert words in page.text
    assert "script" not in page.tags


def test_every_plot_has_words(search: Search) -> None:
    page = page_of(search)
    labels = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    plots = [
        value for tag, name, value in page.attributes if (tag, name) == ("svg", "class") and value == "panel"
    ]
    assert len(labels) == len(plots) >= 9
    assert all(len(label) > 20 for label in labels)
    assert page.tags.count("figcaption") == page.tags.count("figure") == len(plots)


def test_it_says_what_is_to_be_seen(search: Search) -> None:
    text = page_of(search).text
    assert "The best of 32 trials has log-loss 0.2130 on held-out images." in text
    assert "The lowest log-loss fell from 0.5000 to 0.2130, in trial 12." in text
    assert "The best 3 of 24 trials have penalty 0.406 to 1.35." in text
    assert "7 trials reported after each of up to 3 steps. Given up, where a triangle stands: 1." in text
    assert "given up on the way" in text
    assert "90 % 70 %" in text


def test_the_ablation_is_a_table(search: Search, ablation: list[Any]) -> None:
    assert "with one setting changed" not in page_of(search).text
    text = page_of(search | {"ablation": ablation}).text
    assert "depths 1.23 last not tuned +0.2000 +0.1000 to +0.3000 +20.0 worse" in text
    assert "penalty 1.23 left to the head not tuned +0.0100 -0.1000 to +0.1000 +1.0 no telling" in text
    assert "-0.3000 to -0.1000 -20.0 better" in text
    assert "head.kind <i>mine</i> was not tried: it would take 9 s, 1 s are left." in text


def test_the_ablation_in_words(search: Search, ablation: list[Any]) -> None:
    said = ablation_text(search | {"ablation": ablation}).split("\n")
    assert said[1] == "  depths 1.23 → last               +0.2000 (+0.1000 to +0.3000)  worse"
    assert said[-1] == "  head.kind 1.23 → <i>mine</i> was not tried: it would take 9 s, 1 s are left"
    assert "there was no time for it" in ablation_text(search | {"ablation": ablation[-1:]})
    assert ablation_text(search) == ""


def test_accuracy_is_drawn_as_wrong_answers(search: Search) -> None:
    text = page_of(search | {"objective": "accuracy"}).text
    assert "The best of 32 trials is right on 78.7 % of the held-out images." in text
    assert "wrong answers, %" in text


def test_prices_are_drawn_where_they_were_weighed(search: Search) -> None:
    assert "against its price" not in page_of(search).text
    for trial in search["trials"]:
        trial["costs"] = [1.0 + trial["number"], 20.0] if trial["state"] == "complete" else []
    text = page_of(search | {"costs": ["latency", "size"]}).text
    assert "Latency from 1 to 30 ms for one image. The one that was chosen costs 13." in text
    assert "Size from 20 to 20 MB. The one that was chosen costs 20." in text


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_few_trials_are_enough_for_a_page(
    with_trials: Callable[..., Search], search: Search, kept: int
) -> None:
    found = with_trials(search["trials"][:kept], importance={}, importance_for_best={})
    page = page_of(found)
    assert ("No trial was made" in page.text) == (kept == 0)
    assert ("Best so far" in page.text) == (kept > 0)
    assert ("What mattered cannot be said: too few trials of ridge" in page.text) == (kept > 0)


def test_a_search_without_success_has_a_page(with_trials: Callable[..., Search], search: Search) -> None:
    failed = [trial for trial in search["trials"] if trial["state"] == "failed"]
    page = page_of(with_trials(failed, importance={}, importance_for_best={}))
    assert "None of 1 trial was finished." in page.text


def test_it_stands_in_the_report_of_the_run(summary: dict[str, Any], search: Search) -> None:
    assert "The search" not in html(summary)
    source = html(summary | {"search": search})
    assert "Every trial in plots and tables" in source
    assert str(search_part(search)["slices"][0][1]) in source
    assert "<script" not in source


def test_what_to_expect_on_new_images_stands_on_the_page(search: Search) -> None:
    assert "expect" not in page_of(search).text
    scores = {name: {"value": 0.25, "low": 0.125, "high": 0.5} for name in ("naive", "corrected")}
    search["corrected"] = scores | {"candidates": 30}
    parts = [{"kind": "<i>mine</i>", "share": 1.0}]
    search["blend"] = {"parts": parts, "loss": 0.2, "loss_alone": 0.3, "delivered": True}
    text = page_of(search).text
    assert "On new images expect log-loss 0.2500 (0.1250 to 0.5000): the best of 30 scored 0.2500" in text
    assert "Delivered is a blend, 100 % <i>mine</i>: log-loss 0.2000" in text


def test_what_counts_by_weight_says_so(search: Search) -> None:
    assert "by weight" not in page_of(search).text
    search["weighted"] = True
    text = page_of(search).text
    assert "has weighted log-loss" in text
    assert "Right, by weight" in text
