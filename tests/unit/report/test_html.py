"""The report as a page: well formed, self-contained, and nothing a user named is taken for markup."""

import re
from html.parser import HTMLParser

import pytest

from regraft.core.errors import ArtifactError
from regraft.report import html
from regraft.report.html import bar

VOID = {"meta", "link", "line", "circle", "br"}


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


@pytest.mark.parametrize("case", ["summary", "without_test", "many_classes"])
def test_is_well_formed_and_needs_nothing_else(case, request):
    source = html(request.getfixturevalue(case))
    page = Page(source)
    assert not {"script", "img", "iframe", "b"} & set(page.tags)
    assert not [value for name, value in page.attributes if name in ("src", "href") and value != "data:,"]
    assert not re.search(r"https?:|@import|url\(", source)
    assert source.startswith("<!doctype html>")


def test_what_users_named_is_shown_as_they_named_it(summary):
    page = Page(html(summary))
    for words in (
        "<script>alert(1)</script>",
        "lynx & bobcat",
        'puma "big"',
        "cats/<img src=x>.jpg",
        "two <b>backbones</b>",
    ):
        assert words in page.text
    assert '"note": "</pre><script>"' in page.text


def test_names_cannot_leave_an_attribute(summary):
    evil = '"><script>x</script><p class="'
    summary["classes"][1] = summary["per_class"][1]["name"] = evil
    summary["verdicts"][0]["level"] = evil
    page = Page(html(summary))
    assert "script" not in page.tags
    assert ("title", evil) in page.attributes


def test_says_what_the_terminal_says(summary):
    page = Page(html(summary))
    assert "Right on 92.9 % of 168 test images it had never seen (87.9 to 95.9 %)." in page.text
    for verdict in summary["verdicts"]:
        assert verdict["sentence"] in page.text
    assert 'regraft predict "runs/first cats" IMAGES...' in page.text
    assert "and 2 more." in page.text
    assert "212 images/s" in page.text


def test_small_matrices_are_drawn_and_large_ones_listed(summary, many_classes):
    small, large = html(summary), html(many_classes)
    assert 'class="matrix"' in small
    assert "Most confused pairs" not in small
    assert "Most confused pairs" in large
    assert 'class="matrix' not in large
    diagonal = sum(summary["confusion"][i][i] > 0 for i in range(8))
    assert len(re.findall(r'class="hit[ "]', small)) == diagonal


def test_many_classes_are_folded(many_classes):
    many_classes["per_class"][0]["count"] = 0
    page = Page(html(many_classes))
    assert "34 more classes" in page.text
    assert "Without images in this part: species 0." in page.text


def test_both_parts_are_scored(summary, without_test):
    assert html(summary).count('class="again"') == len(summary["test"])
    assert 'class="again"' not in html(without_test)


def test_bars_lie_where_the_numbers_say():
    drawn = bar({"value": 0.75, "low": 0.5, "high": 2.0}, 0.5, 1.0)
    assert 'x1="2.00%" x2="98.00%"' in drawn
    assert 'cx="50.00%"' in drawn


def test_a_run_without_rungs_or_scores_still_makes_a_page(summary):
    summary |= {
        "ladder": [],
        "validation": {},
        "test": None,
        "per_class": [],
        "confusion": [],
        "verdicts": [],
    }
    assert "No images were held out" in Page(html(summary)).text


def test_a_report_that_was_cut_short_is_refused(summary):
    del summary["classes"]
    with pytest.raises(ArtifactError, match="lacks classes"):
        html(summary)
