"""The HTML report: no injected markup, and interaction with pointer and keys."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from app.attribution.measures import BIT, Measure, Unit
from app.attribution.plot_measure import PlotMeasure
from app.attribution.tint_scale import Tint, TintScale
from app.history.export.document import Document, one_line
from app.history.export.html_report import write_html
from app.history.export.markdown import write_markdown
from app.history.export.shown_measures import ShownMeasures
from tests.attribution.test_measure_formulas import FORMULAS
from tests.history.chromium import PROGRAM, Chromium
from tests.history.export_runs import covered, make_document


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return make_document(tmp_path_factory.mktemp("history"))


@pytest.fixture(scope="module")
def page(document: Document) -> str:
    return write_html(document)


class Parser(HTMLParser):
    """Collects elements, and text by the class or id that it stands in."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[dict[str, str | None]] = []
        self.tokens: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "rect", "line", "path"):
            self.open.append(dict(attrs))
        if dict(attrs).get("role") == "option":
            self.tokens.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if any(attributes.get("role") == "option" for attributes in self.open):
            self.tokens[-1] += data


@pytest.fixture(scope="module")
def parsed(page: str) -> Parser:
    parser = Parser()
    parser.feed(page)
    parser.close()
    assert parser.open == []  # everything that begins ends
    return parser


@pytest.mark.parametrize(
    ("reason", "said"),
    [("eos", "ended at the end of text"), ("cancelled", "stopped by hand")],
)
def test_the_header_shows_the_finish_reason(document: Document, reason: str, said: str) -> None:
    run = replace(document.run, summary=replace(document.run.summary, finish_reason=reason))
    page = write_html(replace(document, run=run))
    assert f" · {said}</p>" in page


def test_text_of_a_run_cannot_inject_markup(parsed: Parser) -> None:
    tags = {tag for tag, _ in parsed.elements}
    assert not tags & {"img", "b", "u", "link", "iframe", "object"}
    scripts = [attributes for tag, attributes in parsed.elements if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "data"}, {}]
    for _, attributes in parsed.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert not {"src", "href", "style"} & set(attributes)


def test_the_report_loads_no_resources(page: str, parsed: Parser) -> None:
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}
    (policy,) = [
        attributes["content"]
        for tag, attributes in parsed.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy


def test_the_report_contains_every_token_with_marks_for_invisible_characters(
    document: Document, parsed: Parser
) -> None:
    assert len(parsed.tokens) == len(document.tokens)
    for token, shown in zip(document.tokens, parsed.tokens, strict=True):
        if token.text:
            assert shown.replace("\n", "").replace("\t", "") == one_line(token.text)
        else:
            assert shown == document.run.label(token.token_id)
    assert "↵\n" in parsed.tokens
    assert any("⟨202E⟩" in shown and "␀" in shown for shown in parsed.tokens)


def test_the_embedded_numbers_equal_those_of_the_run(document: Document, page: str) -> None:
    found = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    data = json.loads(found[1])
    assert data["pairs"] == [one_line(name) for name in document.pair_names]
    for token, told in zip(document.tokens, data["tokens"], strict=True):
        explained = token.attribution
        assert told["p_base"] == pytest.approx(explained.p_base, rel=1e-4)
        assert told["shift"] == pytest.approx(explained.shift / BIT, rel=1e-4)
        assert told["contributions"] == pytest.approx(explained.contributions, rel=1e-4)
        by_id = {candidate[0]: candidate for candidate in told["candidates"]}
        assert by_id[token.token_id][3] == pytest.approx(explained.p_tuned, rel=1e-4)


def test_the_report_has_an_accessible_table_of_all_tokens(
    document: Document, parsed: Parser
) -> None:
    rows = [attributes for tag, attributes in parsed.elements if tag == "th"]
    assert sum(attributes.get("scope") == "row" for attributes in rows) == len(document.tokens)
    assert all("scope" in attributes for attributes in rows)
    (picture,) = [attributes for tag, attributes in parsed.elements if tag == "svg"]
    assert picture["role"] == "img"
    assert "table of tokens has the same numbers" in str(picture["aria-label"])


def test_small_numbers_do_not_read_as_zero(document: Document) -> None:
    first, *others = document.tokens
    small = replace(
        first.attribution,
        kl=2e-5,
        p_base=3e-6,
        logprob_tuned=first.attribution.logprob_base + 1e-5,
        contributions=(4e-6, *first.attribution.contributions[1:]),
    )
    changed = replace(document, tokens=[replace(first, attribution=small), *others])
    row = re.search(r"<tbody>\s*<tr>(.*?)</tr>", write_html(changed), re.DOTALL)
    assert row is not None
    cells = [unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", row[1])]
    assert cells[1] == "<0.0001"
    assert cells[3] == "<+0.01"
    assert cells[5] == "<0.001"
    assert cells[6] == "<+0.0001"
    line = write_markdown(changed).splitlines()[2]
    assert r"| \<+0.01 | \<+0.0001 |" in line


def test_the_coverage_is_shown_if_there_is_one(document: Document, page: str) -> None:
    assert "coverage" not in page.replace('$("coverage")', "").replace("token.coverage", "")
    told = write_html(covered(document))
    cells = re.findall(r"<td>(⚠ )?([0-9.]+)%</td>", told)
    shares = [token.attribution.coverage or 0 for token in covered(document).tokens]
    assert [float(share) / 100 for _, share in cells] == pytest.approx(shares, abs=6e-4)
    assert [bool(mark) for mark, _ in cells] == [share < 0.9 for share in shares]
    assert '<path class="fill-danger" d="M' in told
    assert '<path fill="none" class="stroke-more" stroke-dasharray' in told


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    if PROGRAM is None:
        pytest.skip("Debian's package chromium is not installed")
    browser = Chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.mark.process
def test_in_chromium_pointer_and_keys_show_token_details(
    chromium: Chromium, document: Document, page: str, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")
    chromium.open(file)
    assert chromium.value("document.getElementById('shown').hidden") is True

    def shown(name: str) -> str:
        return str(chromium.value(f"document.getElementById({name!r}).textContent"))

    def is_shown(index: int) -> None:
        token = document.tokens[index]
        assert shown("name") == f"“{document.name(token)}”"
        assert shown("place").startswith(f"token {index + 1} · id {token.token_id}")
        assert float(shown("tuned").strip("<")) == pytest.approx(
            token.attribution.p_tuned, abs=1e-4
        )
        assert shown("rank") == f"{token.attribution.rank_base} → {token.attribution.rank_tuned}"
        contributions = chromium.value(
            "Array.from(document.querySelectorAll('.pair')).map(p => p.children[2].textContent)"
        )
        assert [
            float(share.strip("<>").replace("−", "-")) for share in contributions
        ] == pytest.approx(token.attribution.contributions, abs=1e-4)

    chromium.move_pointer(".t:nth-of-type(9)")  # the first is the prompt
    is_shown(7)
    chromium.value("document.querySelector('.t[tabindex=\"0\"]').focus()")
    is_shown(0)
    chromium.press("ArrowRight")
    is_shown(1)
    chromium.press("End")
    is_shown(len(document.tokens) - 1)
    chromium.move_pointer(".t:nth-of-type(4)")
    is_shown(2)
    chosen = chromium.value("document.activeElement.textContent")
    assert chosen == document.tokens[-1].text
    assert chromium.value("document.getElementById('coverage')") is None
    background = chromium.value("getComputedStyle(document.querySelector('.up16')).backgroundColor")
    assert background != "rgba(0, 0, 0, 0)"
    assert chromium.value("document.querySelectorAll('#candidates tbody tr').length") >= 20
    assert chromium.value("document.querySelectorAll('img, script:not([id])').length") == 1
    complaints = [
        event
        for event in chromium.events
        if event["method"] in ("Log.entryAdded", "Runtime.exceptionThrown")
    ]
    assert complaints == []
    asked = [
        event["params"]["request"]["url"]
        for event in chromium.events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert asked == [file.as_uri()]


@pytest.mark.process
def test_in_chromium_the_coverage_of_a_token_is_shown(
    chromium: Chromium, document: Document, tmp_path: Path
) -> None:
    file = tmp_path / "covered.html"
    file.write_text(write_html(covered(document)), encoding="utf-8")
    chromium.open(file)
    chromium.value("document.querySelector('.t[tabindex=\"0\"]').focus()")
    chromium.press("End")
    share = covered(document).tokens[-1].attribution.coverage or 0
    shown = str(chromium.value("document.getElementById('coverage').textContent"))
    assert float(shown.removesuffix(" %")) / 100 == pytest.approx(share, abs=6e-4)


# The measures that are chosen


def tints(page: str) -> list[str]:
    """The classes of the tokens of the text."""
    return re.findall(r'<span class="t ?([^"]*)" role="option"', page)


def background(page: str, name: str) -> str:
    """The background of a class, in light colours."""
    found = re.search(rf"^\.{name} {{ background: (#\w+); }}", page, re.MULTILINE)
    assert found
    return found[1]


@pytest.mark.parametrize("measure", Measure)
def test_the_text_is_coloured_by_the_chosen_measure(document: Document, measure: Measure) -> None:
    limit = 0.2
    shown = ShownMeasures(Tint(measure, 1), TintScale(limit=limit))
    page = write_html(replace(document, shown=shown))
    for token, name in zip(document.tokens, tints(page), strict=True):
        explained = token.attribution
        value = {
            Measure.SHIFT: explained.shift / BIT,
            Measure.CONTRIBUTION: explained.contributions[1],
            Measure.SURPRISAL: -math.log2(explained.p_tuned),
            Measure.BASE_SURPRISAL: -math.log2(explained.p_base),
            Measure.KL: explained.kl / BIT,
            Measure.ENTROPY: explained.entropy_tuned / BIT,
            Measure.BASE_ENTROPY: explained.entropy_base / BIT,
            Measure.RANK: explained.rank_base,
            Measure.TUNED_RANK: explained.rank_tuned,
            Measure.PROBABILITY: explained.p_tuned,
            Measure.BASE_PROBABILITY: explained.p_base,
        }[measure]
        if measure in (Measure.RANK, Measure.TUNED_RANK):
            assert f"rank{0 if value <= 10 else 1 if value <= 100 else 2}" in name
            continue
        level = round(min(abs(value) / limit, 1) * 16)
        assert (f"{'up' if value > 0 else 'down'}{level}" in name.split()) == (level > 0)
        assert ("beyond" in name.split()) == (abs(value) > limit)


def test_colours_and_legend_are_those_of_the_measure(document: Document) -> None:
    usual = write_html(document)
    contribution = ShownMeasures(Tint(Measure.CONTRIBUTION, 1), TintScale(Unit.NATS, 3.0))
    page = write_html(replace(document, shown=contribution))
    kl = write_html(replace(document, shown=ShownMeasures(Tint(Measure.KL))))
    assert len({background(each, "up16") for each in (usual, page, kl)}) == 3
    legend = re.search(r'<p class="legend[^>]*>(.*?)</p>', page, re.DOTALL)
    assert legend
    assert f"contribution of {escape(one_line(document.pair_names[1]))}" in legend[1]
    assert "+3 nats" in legend[1]
    assert "÷16" in usual
    assert "KL(tuned‖base): <span>0</span>" in kl


@pytest.mark.parametrize(("measure", "unit"), FORMULAS)
def test_the_legend_has_the_formula_of_the_unit(
    document: Document, measure: Measure, unit: Unit
) -> None:
    shown = ShownMeasures(Tint(measure), TintScale(unit))
    page = write_html(replace(document, shown=shown))
    legend = re.search(r'<p class="legend[^>]*>(.*?)</p>', page, re.DOTALL)
    assert legend
    before = {
        Measure.CONTRIBUTION: "Shapley value in ",
        Measure.RANK: "by ",
        Measure.TUNED_RANK: "by ",
    }.get(measure, "")
    assert f"({before}{FORMULAS[measure, unit][0]})" in legend[1]


def test_the_legend_of_one_role_names_no_base(document: Document) -> None:
    tokens = [
        replace(
            token,
            attribution=replace(token.attribution, contributions=(), logprob_contributions=()),
        )
        for token in document.tokens
    ]
    alone = replace(document, run=replace(document.run, role=1), tokens=tokens)
    for measure, written in (
        (Measure.RANK, "rank: "),
        (Measure.RANK, "(by p)"),
        (Measure.SHIFT, "(−log₂ p)"),
    ):
        page = write_html(replace(alone, shown=ShownMeasures(Tint(measure))))
        legend = re.search(r'<p class="legend[^>]*>(.*?)</p>', page, re.DOTALL)
        assert legend
        assert written in legend[1]
        assert "base" not in legend[1]


def test_an_automatic_scale_fits_the_text(document: Document) -> None:
    shown = ShownMeasures(Tint(Measure.KL), scale=TintScale(automatic=True))
    names = tints(write_html(replace(document, shown=shown)))
    beyond = sum("beyond" in name for name in names)
    assert 1 <= beyond <= max(1, round(0.1 * len(names)))


def test_plots_and_numbers_have_the_chosen_measures_and_unit(document: Document) -> None:
    plots = (PlotMeasure.ENTROPY, PlotMeasure.RANK)
    page = write_html(replace(document, shown=ShownMeasures(plots=plots, unit=Unit.NATS)))
    assert "Entropy at each token, in nats; rank of each token</h2>" in page
    assert "add up to" not in page
    found = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    data = json.loads(found[1])
    assert data["unit"] == "nats"
    assert data["tokens"][3]["kl"] == pytest.approx(document.tokens[3].attribution.kl, rel=1e-4)
    assert "Shift and KL in nats." in page
