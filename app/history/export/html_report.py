"""The HTML report of a run: one file that needs no network.

All text of the run is escaped. In addition, the page's Content-Security-Policy allows only the
embedded script and style sheet, by their hashes, and no requests.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from dataclasses import asdict
from html import escape
from typing import Any

from app.attribution.attribution import LOW_COVERAGE
from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import Measure, Unit
from app.history.export.document import Document, one_line
from app.history.export.html_conversation import marked, messages_html
from app.history.export.plot_explanation import plot_explanation
from app.history.export.plot_titles import plot_title, tint_formula, tint_title
from app.history.export.report_data import report_data
from app.history.export.report_style import paint_class, style_sheet
from app.history.export.shift_svg import draw, height_of
from app.history.export.svg_geometry import BOTTOM, LEFT, TOP
from app.history.export.svg_plots import geometry_of
from app.history.export.token_tint import TINT_LEVELS, TokenTint
from app.resources import resource
from app.wording import decimals, quoted

_FINISHED = {
    "eos": "ended at the end of text",
    "stop": "ended at a stop string",
    "length": "ended at the token limit",
    "context": "ended because the context was full",
    "cancelled": "stopped by hand",
}
_KINDS = {"generated": "Generated", "scored": "A given text, scored", "role": "One role alone"}


def write_html(document: Document) -> str:
    """The report as an HTML document."""
    tint = TokenTint(document)
    style = style_sheet(tint)
    script = resource("report", "report.js").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    title = escape(one_line(document.run.summary.shown_title))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Tuneshift">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p class="muted">{_subtitle(document)}</p>
</header>
<div class="columns">
<main>
{_text(document, tint)}
{_plot(document)}
{_table(document)}
{_making(document)}
</main>
{_aside(document)}
</div>
<script type="application/json" id="data">{_embedded(report_data(document))}</script>
<script>{script}</script>
</body>
</html>
"""


_ASIDE = """<aside class="card" aria-label="The token under the pointer" aria-live="polite">
<p id="hint" class="muted">Point at a token, or move through the text with the arrow keys, to see
what each expert pair did to it.</p>
<div id="shown" hidden>
<p id="name"></p>
<p id="place" class="muted small"></p>
<dl>
<dt>base</dt><dd id="base"></dd>
<dt>tuned</dt><dd id="tuned"></dd>
<dt>shift</dt><dd id="shift"></dd>
<dt>rank</dt><dd id="rank"></dd>
<dt>entropy</dt><dd id="entropy"></dd>
<dt>KL(tuned‖base)</dt><dd id="kl"></dd>
<dt>when drawn</dt><dd id="sampled"></dd>
<!-- coverage -->
</dl>
<p id="flips" class="small"></p>
<div id="pairs"></div>
<table id="candidates">
<caption>Candidates</caption>
<thead><tr><th scope="col" class="word">token</th><th scope="col">base</th>
<th scope="col">tuned</th><th scope="col">change</th><th scope="col">base rank</th></tr></thead>
<tbody></tbody>
</table>
</div>
</aside>"""


_COVERAGE = '<dt>coverage</dt><dd id="coverage"></dd>'


def _aside(document: Document) -> str:
    return _ASIDE.replace("<!-- coverage -->", _COVERAGE if document.partial else "")


def _subtitle(document: Document) -> str:
    summary = document.run.summary
    parts = [
        _KINDS[summary.kind],
        f"{summary.created:%Y-%m-%d %H:%M} UTC",
        f"{len(document.tokens):,} tokens",
        f"recipe “{one_line(summary.recipe_name)}”",
    ]
    if document.run.role is not None:
        parts.append(document.run.recipe.roles()[document.run.role][0])
    if summary.finish_reason:
        parts.append(_FINISHED.get(summary.finish_reason, summary.finish_reason))
    elif summary.error:
        parts.append(f"failed: {one_line(summary.error)}")
    return escape(" · ".join(parts))


# Text


def _text(document: Document, tint: TokenTint) -> str:
    each = enumerate(zip(document.tokens, tint.css(document.tokens), strict=True))
    tokens = "".join(_token(document, token, place, css) for place, (token, css) in each)
    prompt = document.run.prompt
    before = f'<span\n class="prompt">{marked(prompt)}</span>' if isinstance(prompt, str) else ""
    return f"""<section class="card" aria-labelledby="text-title">
<div class="head"><h2 id="text-title">Text</h2>{_legend(document, tint)}</div>
{messages_html(document, tint)}<div id="text" role="listbox" aria-orientation="horizontal"
 aria-label="Tokens" dir="auto">{before}{tokens}</div>
<p class="muted small"><kbd>←</kbd> <kbd>→</kbd> next token, <kbd>↑</kbd> <kbd>↓</kbd> next changed
choice, <kbd>Home</kbd> <kbd>End</kbd></p>
</section>"""


def _token(document: Document, token: ExplainedToken, place: int, tint: str) -> str:
    classes = ["t", tint]
    if token.attribution.flipped:
        classes.append("flip")
    if token.index in document.bookmarks:
        classes.append("bookmark")
    if token.text:
        shown = marked(token.text)
    else:
        shown = f'<span class="mark">{escape(document.name(token))}</span>'
    index = "0" if place == 0 else "-1"
    return (
        f'<span class="{" ".join(filter(None, classes))}" role="option" aria-selected="false" '
        f'tabindex="{index}">{shown}</span>'
    )


def _legend(document: Document, tint: TokenTint) -> str:
    marks = '<span class="flip">aa</span> first choice changed'
    if document.bookmarks:
        marks += ' <span class="bookmark">aa</span> bookmark'
    if tint.saturates:
        marks += ' <span class="beyond">aa</span> beyond the scale'
    formula = tint_formula(tint.measure, tint.unit, alone=not document.pair_names)
    return f'<p class="legend muted small">{_scale(document, tint)} ({formula}) {marks}</p>'


def _scale(document: Document, tint: TokenTint) -> str:
    """The colours of the tint, with the numbers that they stand for."""
    pairs = [one_line(name) for name in document.pair_names]
    title = escape(tint_title(tint.measure, tint.pair, pairs))
    if tint.classes_of_ranks:
        names = [*(f"top {last:,}" for last in tint.classes_of_ranks), "lower"]
        classes = (
            f'<i class="rank{i}"></i> <span class="after">{name}</span>'
            for i, name in enumerate(names)
        )
        return f"{title}: {' '.join(classes)}"
    steps = [f"up{level}" for level in range(2, TINT_LEVELS + 1, 2)]
    if tint.measure.signed:
        steps = [*(f"down{level}" for level in range(TINT_LEVELS, 0, -2)), "", *steps]
    samples = "".join(f'<i class="{step}"></i>' for step in steps)
    low, high = "0", f"{tint.limit:g} {tint.unit}"
    if tint.measure is Measure.SHIFT and tint.unit is not Unit.PROBABILITY:
        factor = f"{2**tint.limit if tint.unit is Unit.BITS else math.exp(tint.limit):.3g}"
        return (
            f"less probable <span>÷{factor}</span> {samples} "
            f'<span class="after">×{factor}</span> more probable'
        )
    if tint.measure.signed:
        low, high = f"−{tint.limit:g}", f"+{high}"
    return f'{title}: <span>{low}</span> {samples} <span class="after">{high}</span>'


# Plot and table


def _plot(document: Document) -> str:
    place = geometry_of(document)
    picture = draw(document, paint_class, background=False)
    measures = document.shown.plots_of(len(document.pair_names))
    return f"""<section class="card" aria-labelledby="plot-title">
<div class="head"><h2 id="plot-title">{plot_title(measures, document.shown)}</h2></div>
<div id="plot" data-left="{LEFT}" data-column="{place.column:.3f}" data-top="{TOP}"
 data-height="{height_of(document) - TOP - BOTTOM}">{picture}</div>
<p class="muted small">{escape(plot_explanation(document))}</p>
</section>"""


def _table(document: Document) -> str:
    names = "".join(
        f'<th scope="col">{escape(one_line(name))}</th>' for name in document.pair_names
    )
    partial = document.partial
    coverage = '<th scope="col">coverage</th>' if partial else ""
    rows = "\n".join(_row(document, token, partial) for token in document.tokens)
    return f"""<section class="card"><details>
<summary>All tokens as a table</summary>
<div class="wide" tabindex="0" role="region" aria-label="All tokens"><table>
<caption>Probabilities before temperature and the other processors; the columns of the pairs are
what each gave or took. Shift and KL in {document.shown.unit}.</caption>
<thead><tr><th scope="col">#</th><th scope="col" class="word">token</th><th scope="col">base</th>
<th scope="col">tuned</th><th scope="col">shift</th><th scope="col">rank</th>
<th scope="col">KL</th>{coverage}{names}<th scope="col">first choice</th></tr></thead>
<tbody>
{rows}
</tbody>
</table></div>
</details></section>"""


def _row(document: Document, token: ExplainedToken, partial: bool) -> str:
    explained, amount = token.attribution, document.shown.amount
    cells = [
        decimals(explained.p_base, 4),
        decimals(explained.p_tuned, 4),
        decimals(amount(explained.shift), 2, sign=True),
        f"{explained.rank_base} → {explained.rank_tuned}",
        decimals(amount(explained.kl), 3),
        *((_share(explained.coverage),) if partial else ()),
        *(decimals(share, 4, sign=True) for share in explained.contributions),
        "changed" if explained.flipped else "",
    ]
    numbers = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    bookmark = "⚑ " if token.index in document.bookmarks else ""
    return (
        f'<tr><td>{bookmark}{token.index + 1}</td><th scope="row" class="word">'
        f"{escape(document.name(token))}</th>{numbers}</tr>"
    )


def _share(coverage: float | None) -> str:
    """A coverage in percent, with a warning if it is low."""
    if coverage is None:
        return "–"
    return f"⚠ {coverage:.1%}" if coverage < LOW_COVERAGE else f"{coverage:.1%}"


# Provenance


def _making(document: Document) -> str:
    run = document.run
    settings = {name.replace("_", " "): value for name, value in asdict(run.config).items()}
    settings["stop"] = ", ".join(map(quoted, run.config.stop)) or "none"
    figures = asdict(run.figures) if run.figures else {}
    parts = [
        ("Settings", _definitions(settings)),
        ("Models", _roles(document)),
        ("Recipe", f"<pre>{escape(run.recipe_text)}</pre>"),
        ("Versions", _definitions(run.versions)),
        ("Figures", _definitions({k.replace("_", " "): v for k, v in figures.items()})),
        ("Run", _definitions({"id": run.id, "prompt tokens": run.prompt_tokens})),
    ]
    sections = "\n".join(
        f"<section><h3>{name}</h3>{content}</section>" for name, content in parts if content
    )
    return f"""<section class="card"><details>
<summary>How this was made</summary>
{sections}
</details></section>"""


def _definitions(values: dict[str, Any]) -> str:
    items = "".join(
        f"<dt>{escape(one_line(name))}</dt><dd>{escape(_value(value))}</dd>"
        for name, value in values.items()
    )
    return f"<dl>{items}</dl>" if items else ""


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "–"
    return one_line(str(value)) or "–"


def _roles(document: Document) -> str:
    if not document.run.roles:
        return ""
    names = ("role", "source", "revision", "engine", "dtype", "device", "fingerprint")
    head = "".join(f'<th scope="col" class="plain">{name}</th>' for name in names)
    rows = "".join(
        f"<tr>{''.join(_cell(str(getattr(role, name))) for name in names)}</tr>"
        for role in document.run.roles
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _cell(text: str) -> str:
    return f'<td class="plain">{escape(one_line(text)) or "–"}</td>'


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _embedded(values: dict[str, Any]) -> str:
    """JSON escaped so that it cannot end its ``script`` element.

    Items of lists are written one by one: Python's encoder holds its lock to the end of a value,
    and the window would wait for all tokens of a long run.
    """
    return (
        "{" + ",".join(f"{_escaped(key)}:{_listed(value)}" for key, value in values.items()) + "}"
    )


def _listed(value: Any) -> str:
    return f"[{','.join(map(_escaped, value))}]" if isinstance(value, list) else _escaped(value)


def _escaped(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
