"""Exported files, parsed by independent means."""

from __future__ import annotations

import csv
import io
import json
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import asdict, replace
from html import escape
from pathlib import Path

import numpy as np
import pytest

from app.attribution.candidates import CandidateRows, tabulate
from app.attribution.measures import Measure, Unit
from app.attribution.plot_measure import PlotMeasure
from app.attribution.plot_parts import BASE, ENTROPY, KL, pair_part
from app.attribution.tint_scale import Tint
from app.checkpoints.recipes.recipe_file import recipe_of_text
from app.colors import DARK, LIGHT, Colors
from app.history.export.alpha_svg import alpha_height
from app.history.export.document import Document, one_line
from app.history.export.formats import ENDINGS, FORMATS, exported_pieces
from app.history.export.json_file import write_tokens
from app.history.export.plot_explanation import plot_explanation
from app.history.export.report_data import report_data
from app.history.export.shift_svg import standalone_svg
from app.history.export.shown_measures import ShownMeasures
from app.history.export.svg_geometry import RIGHT, TOP
from app.history.export.svg_plots import geometry_of, plots_of
from app.history.export.token_tint import TokenTint
from tests.history.export_runs import covered, hostile_recipe, make_document, with_shares

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return make_document(tmp_path_factory.mktemp("history"))


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_json_has_a_line_for_each_token_and_is_written_in_as_many_pieces(
    document: Document,
) -> None:
    text = FORMATS["json"](document)
    pieces = list(exported_pieces([document], "json"))
    assert b"".join(pieces).decode() == text
    assert len(pieces) >= len(document.tokens) > 1
    lines = [line for line in text.split("\n") if line.lstrip("[ ").startswith('{"index": ')]
    assert [json.loads(line.rstrip(","))["index"] for line in lines] == [
        token.index for token in document.tokens
    ]
    none = document.part(0, 0)
    assert json.loads(FORMATS["json"](none))["tokens"] == []
    assert json.loads(write_tokens(none)) == []
    assert json.loads(write_tokens(document)) == json.loads(text)["tokens"]


def test_json_contains_everything(document: Document) -> None:
    told = json.loads(FORMATS["json"](document))
    assert told["text"] == document.text == "".join(t["text"] for t in told["tokens"])
    assert told["prompt"] == document.run.prompt
    assert told["tags"] == ["<u>tag</u>"]
    assert told["settings"]["seed"] == document.run.config.seed
    assert recipe_of_text(told["recipe"], "told", Path("/")) == hostile_recipe()
    assert told["roles"] == [asdict(role) for role in document.run.roles]
    for token, found in zip(document.tokens, told["tokens"], strict=True):
        explained = asdict(token.attribution)
        assert found["kl_bits"] == pytest.approx(explained.pop("kl") / math.log(2))
        for name in ("entropy_base", "entropy_tuned"):
            assert found[f"{name}_bits"] == pytest.approx(explained.pop(name) / math.log(2))
        ratio = token.attribution.p_tuned / token.attribution.p_base
        assert found["shift_bits"] == pytest.approx(math.log2(ratio), abs=1e-4)
        assert not {"shift", "kl", "entropy_base", "entropy_tuned"} & set(found)
        assert {**found, **explained} == {
            **found,
            "contributions": token.attribution.contributions,
            "logprob_contributions": token.attribution.logprob_contributions,
        }
        assert found["alphas"] == list(token.alphas)
        assert found["span"] == [token.start, token.end]
        expected = tabulate(document.candidates[token.index])  # type: ignore[arg-type]
        assert found["candidates"]["token_ids"] == expected.token_ids.tolist()
        assert found["candidates"]["contributions"] == expected.contributions.tolist()


def test_csv_has_one_row_per_token_with_its_exact_text(document: Document) -> None:
    rows = table(FORMATS["csv"](document))
    assert [row["text"] for row in rows] == [token.text for token in document.tokens]
    for token, row in zip(document.tokens, rows, strict=True):
        assert float(row["p_tuned"]) == token.attribution.p_tuned
        assert int(row["index"]) == token.index
        assert float(row["kl_bits"]) == pytest.approx(token.attribution.kl / math.log(2))
        shift = float(row["logprob_tuned"]) - float(row["logprob_base"])
        assert float(row["shift_bits"]) == pytest.approx(shift / math.log(2), abs=1e-9)
        shares = [float(row[f"contribution {name}"]) for name in document.pair_names]
        assert shares == list(token.attribution.contributions)
        assert sum(shares) == pytest.approx(float(row["p_tuned"]) - float(row["p_base"]), abs=1e-5)
        in_log = [float(row[f"logprob_contribution {name}"]) for name in document.pair_names]
        assert in_log == list(token.attribution.logprob_contributions)
        assert sum(in_log) == pytest.approx(shift, abs=1e-5)


def test_contributions_in_the_candidates_csv_add_up(document: Document) -> None:
    rows = table(FORMATS["candidates"](document))
    chosen = [row for row in rows if row["chosen"] == "True"]
    assert [int(row["token_id"]) for row in chosen] == [t.token_id for t in document.tokens]
    for row in rows:
        shares = sum(float(row[f"contribution {name}"]) for name in document.pair_names)
        assert shares == pytest.approx(float(row["p_tuned"]) - float(row["p_base"]), abs=1e-5)
        assert row["label"] == document.run.label(int(row["token_id"]))


def test_markdown_is_a_valid_table_for_any_tokens(document: Document) -> None:
    lines = FORMATS["markdown"](document).splitlines()
    assert len(lines) == 2 + len(document.tokens)
    for line in lines:
        cells = line.replace("\\|", "").strip("|").split("|")
        assert len(cells) == 5 + len(document.pair_names)
    assert "<" not in lines[2].replace("\\<", "")


def test_part_selects_tokens(document: Document) -> None:
    part = document.part(2, 5)
    assert FORMATS["text"](part) == "".join(token.text for token in document.tokens[2:5])
    assert FORMATS["markdown"](part).splitlines()[2].startswith("| 3 |")


def test_every_format_supports_a_run_without_tokens(document: Document) -> None:
    for name, write in FORMATS.items():
        assert isinstance(write(document.part(0, 0)), str), name
    assert set(ENDINGS) <= set(FORMATS)


def bars(element: ElementTree.Element) -> Iterator[tuple[float, float, float]]:
    """The left, the upper and the lower edge of each bar of a pair."""
    for piece in element.attrib["d"].split("M")[1:]:
        start, rest = piece.split("h", 1)
        left, bottom = map(float, start.split())
        top = float(rest.split("V")[1].split("h")[0])
        yield left, min(top, bottom), max(top, bottom)


@pytest.mark.parametrize("shown", [LIGHT, DARK])
def test_bars_add_up_to_the_difference_of_tuned_and_base(document: Document, shown: Colors) -> None:
    root = ElementTree.fromstring(standalone_svg(document, shown))
    place = geometry_of(document)
    unit = place.y(0) - place.y(1)
    paths = [path for path in root.iter(f"{SVG}path") if path.attrib["fill"] != "none"]
    assert [path.attrib["fill"] for path in paths] == [shown.of_pair(0), shown.of_pair(1)]
    gained = np.zeros(len(document.tokens))
    for path in paths:
        for left, top, bottom in bars(path):
            index = int((left - place.x(0)) / place.column)
            sign = 1 if bottom <= place.y(0) + 0.06 else -1
            gained[index] += sign * (bottom - top) / unit
    expected = [t.attribution.p_tuned - t.attribution.p_base for t in document.tokens]
    assert gained == pytest.approx(expected, abs=4e-3)


def test_names_in_the_svg_are_escaped(document: Document) -> None:
    root = ElementTree.fromstring(standalone_svg(document, LIGHT))
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert [one_line(name) for name in document.pair_names] == [
        text for text in texts if text.startswith("</style>")
    ]
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg", "rect", "line", "path", "text",
    }  # fmt: skip


def test_the_plot_of_a_long_run_has_a_bounded_width(document: Document) -> None:
    long = Document(document.run, document.tokens * 400, document.candidates * 400)
    place = geometry_of(long)
    assert place.column == 2.0
    root = ElementTree.fromstring(standalone_svg(long, LIGHT))
    assert float(root.attrib["width"]) == pytest.approx(place.right + RIGHT, abs=1)


# A base behind an endpoint


def test_the_coverage_is_shown_if_there_is_one(document: Document) -> None:
    told = covered(document)
    shares = [token.attribution.coverage for token in told.tokens]
    assert [float(row["coverage"]) for row in table(FORMATS["csv"](told))] == shares
    found = json.loads(FORMATS["json"](told))["tokens"]
    assert [token["coverage"] for token in found] == shares
    assert "coverage" not in table(FORMATS["csv"](document))[0]
    assert "bounded" not in table(FORMATS["csv"](told))[0]


def test_what_a_pair_of_another_vocabulary_knows_is_exported(document: Document) -> None:
    told = with_shares(document)
    shares = [token.attribution.bounded for token in told.tokens]
    assert [float(row["bounded"]) for row in table(FORMATS["csv"](told))] == shares
    found = json.loads(FORMATS["json"](told))["tokens"]
    assert [token["bounded"] for token in found] == shares


@pytest.mark.parametrize("colors", [LIGHT, DARK])
def test_the_plot_marks_low_coverage(document: Document, colors: Colors) -> None:
    told = covered(document)
    root = ElementTree.fromstring(standalone_svg(told, colors))
    lines = [path for path in root.iter(f"{SVG}path") if path.get("stroke") == colors.more]
    marks = [path for path in root.iter(f"{SVG}path") if path.get("fill") == colors.danger]
    assert len(lines) == len(marks) == 1
    low = sum(token.attribution.coverage < 0.9 for token in told.tokens)  # type: ignore[operator]
    assert (marks[0].get("d") or "").count("M") == low
    assert (lines[0].get("d") or "").count("L") == len(told.tokens) - 1
    assert "coverage" in "".join(root.itertext())
    assert "coverage" not in standalone_svg(document, colors)


# The measures that are chosen


@pytest.mark.parametrize("unit", [Unit.BITS, Unit.NATS])
def test_the_bars_of_log_probabilities_add_up_to_the_shift(document: Document, unit: Unit) -> None:
    shown = ShownMeasures(plots=(PlotMeasure.LOG_PROBABILITY,), unit=unit)
    chosen = replace(document, shown=shown)
    root = ElementTree.fromstring(standalone_svg(chosen, LIGHT))
    place = geometry_of(chosen)
    height = place.y(0) - place.y(1)
    gained = np.zeros(len(document.tokens))
    for path in root.iter(f"{SVG}path"):
        if path.attrib["fill"] != "none":
            for left, top, bottom in bars(path):
                sign = 1 if bottom <= place.y(0) + 0.06 else -1
                gained[int((left - place.x(0)) / place.column)] += sign * (bottom - top) / height
    one = math.log(2) if unit is Unit.BITS else 1.0
    wanted = [math.log(t.attribution.p_tuned / t.attribution.p_base) / one for t in document.tokens]
    assert gained == pytest.approx(wanted, abs=0.4 / height + 0.01)
    assert f"log p, {unit}" in "".join(root.itertext())


def test_two_plots_are_above_each_other(document: Document) -> None:
    one = standalone_svg(document, LIGHT)
    both = (PlotMeasure.PROBABILITY, PlotMeasure.KL)
    two = standalone_svg(replace(document, shown=ShownMeasures(plots=both)), LIGHT)
    first, second = ElementTree.fromstring(one), ElementTree.fromstring(two)
    assert float(second.attrib["height"]) > float(first.attrib["height"]) * 1.5
    kl = [path for path in second.iter(f"{SVG}path") if path.get("fill") == LIGHT.heat]
    highest = max(document.tokens, key=lambda token: token.attribution.kl).index
    lowest = float(first.attrib["height"])
    sizes = {
        int((left - geometry_of(document).x(0)) / geometry_of(document).column): bottom - top
        for left, top, bottom in bars(kl[0])
    }
    assert max(sizes, key=sizes.__getitem__) == highest
    assert min(top for _, top, _ in bars(kl[0])) > lowest - 34
    assert "probability" in "".join(second.itertext())
    assert "KL, bits" in "".join(second.itertext())


def strokes(root: ElementTree.Element, color: str) -> list[list[float]]:
    """The heights of the lines of a colour, [T] each."""
    paths = [path for path in root.iter(f"{SVG}path") if path.get("stroke") == color]
    return [
        [float(point.split()[1]) for point in path.attrib["d"][1:].split("L")] for path in paths
    ]


def test_what_a_person_has_hidden_is_not_drawn_and_is_named(document: Document) -> None:
    first = document.pair_names[0]
    hidden = frozenset({pair_part(first), BASE, KL, ENTROPY})
    chosen = replace(document, shown=ShownMeasures(hidden=hidden))
    root = ElementTree.fromstring(standalone_svg(chosen, LIGHT))
    fills = {path.get("fill") for path in root.iter(f"{SVG}path")}
    assert LIGHT.of_pair(1) in fills
    assert LIGHT.of_pair(0) not in fills
    assert strokes(root, LIGHT.muted) == []
    assert len(strokes(root, LIGHT.text)) == 1
    assert f"hidden: {first}, base" in "".join(root.itertext())
    assert f"Hidden: {first}, base." in plot_explanation(chosen)
    assert f"Hidden: {escape(first)}, base." in FORMATS["html"](chosen)
    assert "idden" not in plot_explanation(document)
    assert "idden" not in standalone_svg(document, LIGHT)
    kl = replace(document, shown=ShownMeasures(plots=(PlotMeasure.KL,), hidden=hidden))
    assert "idden" not in standalone_svg(kl, LIGHT)  # it has neither bars of pairs nor lines


@pytest.mark.parametrize("unit", [Unit.BITS, Unit.NATS])
@pytest.mark.parametrize("measure", [PlotMeasure.PROBABILITY, PlotMeasure.LOG_PROBABILITY])
def test_divergence_and_entropy_have_an_axis_at_the_right(
    document: Document, measure: PlotMeasure, unit: Unit
) -> None:
    shown = ShownMeasures(plots=(measure,), unit=unit, hidden=frozenset())
    chosen = replace(document, shown=shown)
    root = ElementTree.fromstring(standalone_svg(chosen, LIGHT))
    (plot,) = plots_of(chosen)
    ticks = {
        text.text: float(text.attrib["y"]) - 4
        for text in root.iter(f"{SVG}text")
        if float(text.attrib["x"]) > plot.place.right and float(text.attrib["y"]) > TOP
    }
    assert len(ticks) > 1
    zero, top = ticks.pop("0"), max(ticks, key=float)
    scale = (zero - ticks[top]) / float(top)
    one = math.log(2) if unit is Unit.BITS else 1.0
    for color, of in ((LIGHT.heat, "kl"), (LIGHT.less, "entropy_tuned")):
        (heights,) = strokes(root, color)
        values = [getattr(token.attribution, of) / one for token in document.tokens]
        assert [(zero - y) / scale for y in heights] == pytest.approx(values, abs=0.2 / scale)
    assert zero == pytest.approx(plot.place.y(0), abs=0.1)
    if measure is PlotMeasure.LOG_PROBABILITY:
        assert scale == pytest.approx(plot.place.y(0) - plot.place.y(1), rel=0.01)


def skipping(rows: CandidateRows | None) -> CandidateRows:
    """The candidates of a token for which no pair was read."""
    assert rows is not None
    others = np.stack([rows.base] * len(rows.experts))
    return replace(rows, experts=others, antiexperts=others)


def test_alpha_has_a_strip_where_it_changes(document: Document) -> None:
    assert alpha_height(document) == 0
    assert "no pair was read" not in standalone_svg(document, LIGHT)
    count = len(document.tokens)
    alphas = [(1.0 - index / count, -0.5) for index in range(count)]
    tokens = [replace(t, alphas=own) for t, own in zip(document.tokens, alphas, strict=True)]
    rows = [skipping(row) for row in document.candidates[:2]]
    changed = replace(document, tokens=tokens, candidates=[*rows, *document.candidates[2:]])
    root = ElementTree.fromstring(standalone_svg(changed, LIGHT))
    plain = ElementTree.fromstring(standalone_svg(document, LIGHT))
    assert float(root.attrib["height"]) == float(plain.attrib["height"]) + alpha_height(changed)
    marked = {text.text: float(text.attrib["y"]) - 4 for text in root.iter(f"{SVG}text")}
    low, high = marked["−0.5"], marked["1"]
    for pair in range(2):
        (heights,) = strokes(root, LIGHT.of_pair(pair))
        found = [-0.5 + 1.5 * (low - y) / (low - high) for y in heights]
        assert found == pytest.approx([own[pair] for own in alphas], abs=0.01)
    (skipped,) = [path for path in root.iter(f"{SVG}path") if path.get("fill") == LIGHT.muted]
    assert skipped.attrib["d"].count("M") == len(changed.skipped) == 2
    assert "no pair was read" in "".join(root.itertext())
    assert "needed no pair" in plot_explanation(changed)
    data = report_data(changed)["tokens"]
    assert [token["skipped"] for token in data] == [True, True] + [False] * (count - 2)


def test_ranks_are_drawn_by_their_logarithms(document: Document) -> None:
    chosen = replace(document, shown=ShownMeasures(plots=(PlotMeasure.RANK,)))
    root = ElementTree.fromstring(standalone_svg(chosen, LIGHT))
    place = geometry_of(chosen)
    (line,) = [path for path in root.iter(f"{SVG}path") if path.get("stroke") == LIGHT.muted]
    heights = [float(point.split()[1]) for point in line.attrib["d"][1:].split("L")]
    wanted = [place.y(math.log10(token.attribution.rank_base)) for token in document.tokens]
    assert heights == pytest.approx(wanted, abs=0.06)


def test_a_run_of_one_role_has_no_measure_of_pairs(document: Document) -> None:
    tokens = [
        replace(
            token,
            attribution=replace(token.attribution, contributions=(), logprob_contributions=()),
        )
        for token in document.tokens
    ]
    alone = replace(document, run=replace(document.run, role=0), tokens=tokens)
    shown = ShownMeasures(Tint(Measure.KL), plots=(PlotMeasure.KL, PlotMeasure.ENTROPY))
    root = ElementTree.fromstring(standalone_svg(replace(alone, shown=shown), LIGHT))
    said = "".join(root.itertext())
    assert "KL" not in said
    assert "entropy, bits" in said
    assert TokenTint(replace(alone, shown=shown)).measure is Measure.SURPRISAL
