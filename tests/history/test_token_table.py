"""The table of tokens in CSV and Parquet, read by independent programs."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from app import extras
from app.attribution.attribution import attribute
from app.decoding.types import RoleLogits
from app.errors import HistoryError
from app.history.export.csv_file import write_tokens_csv
from app.history.export.document import Document, read_document
from app.history.export.formats import FORMATS
from app.history.export.parquet_file import write_parquet
from app.history.export.prompt_table import PromptTable
from app.history.export.token_table import PAIR_UNITS, TokenTable, distinct
from app.history.records import Ending
from tests.history.export_runs import make_document, with_shares
from tests.history.invented import Desk, in_force, new_run, steps

DOCS = Path(__file__).parents[2] / "docs" / "token-table.md"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return make_document(tmp_path_factory.mktemp("history"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Document:
    """A run with one pair of another vocabulary, whose name is one of the first run's."""
    return with_shares(make_document(tmp_path_factory.mktemp("history"), pairs=1, count=7))


@pytest.mark.parametrize("policy", ["ramp:2:0:3", "constant"])
def test_the_table_says_which_tokens_skipped_the_pairs(tmp_path: Path, policy: str) -> None:
    desk = Desk(tmp_path / "history.sqlite3")
    run = new_run()
    run = replace(run, config=replace(run.config, alpha_policy=policy))
    desk.writer.begin(run)
    desk.writer.describe(run.id, in_force(run))
    skipped = (3, 4) if policy != "constant" else ()
    for made, explained in steps(6):
        if made.index in skipped:
            base = made.kept_logits.base
            made = replace(made, logits=RoleLogits(base, (base,), (base,)), alphas=(0.0,))
            explained = attribute(made.kept_logits, (0.0,), made.token_id)
        desk.writer.add(run.id, made, explained)
    desk.writer.finish(run.id, Ending("length"))
    archive = desk.archive()
    for tokens_only in (True, False):
        document = read_document(archive, run.id, tokens_only=tokens_only)
        rows = list(csv.DictReader(io.StringIO(write_tokens_csv([document]), newline="")))
        assert [int(row["index"]) for row in rows if row["skipped"] == "True"] == [*skipped]
    told = json.loads(FORMATS["json"](document))["tokens"]
    assert [token["index"] for token in told if token["skipped"]] == [*skipped]
    archive.close()
    desk.close()


@pytest.mark.slow
def test_parquet_has_the_values_and_types_of_every_token(
    document: Document, other: Document
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(write_parquet([document, other])))
    rows = table.to_pylist()
    tokens = [*document.tokens, *other.tokens]
    assert [row["text"] for row in rows] == [token.text for token in tokens]
    assert [row["run_id"] for row in rows] == [document.run.id] * 24 + [other.run.id] * 7
    first, second = document.pair_names
    for row, token in zip(rows, tokens, strict=True):
        found = token.attribution
        assert row["token_id"] == token.token_id
        assert row["logprob_tuned"] == found.logprob_tuned
        assert row["entropy_base_bits"] == pytest.approx(found.entropy_base / math.log(2))
        assert row["shift_bits"] == pytest.approx(math.log2(found.p_tuned / found.p_base), abs=1e-4)
        assert row["flipped"] is (found.argmax_base != found.argmax_tuned)
        assert row["coverage"] == found.coverage
        assert row["bounded"] == found.bounded
        assert row[f"contribution {first}"] == found.contributions[0]
        assert row[f"logprob_contribution {first}"] == found.logprob_contributions[0]
        assert row[f"alpha {second}"] == (token.alphas[1] if len(token.alphas) > 1 else None)
    schema = table.schema
    assert schema.metadata[b"tuneshift.schema"] == b"1"
    assert schema.field("kl_bits").metadata[b"unit"] == b"bits"
    types = {"index": "int64", "text": "string", "forced": "bool", "p_base": "double"}
    assert {name: str(schema.field(name).type) for name in types} == types


def test_csv_and_parquet_have_the_same_table(document: Document, other: Document) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    stored = parquet.read_table(io.BytesIO(write_parquet([document, other])))
    text = write_tokens_csv([document, other])
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == stored.column_names
    for row, expected in zip(rows, stored.to_pylist(), strict=True):
        told = ["" if value is None else str(value) for value in expected.values()]
        assert row == told


def test_a_run_without_tokens_has_the_columns_alone(document: Document) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(write_parquet([document.part(0, 0)])))
    assert table.num_rows == 0
    assert table.column_names == TokenTable([document]).header()


def test_pairs_of_the_same_name_have_columns_of_their_own(document: Document) -> None:
    assert distinct(["a", "b", "a", "a"]) == ("a", "b", "a (2)", "a (3)")
    pair = document.run.recipe.pairs[0]
    twice = replace(document.run, recipe=replace(document.run.recipe, pairs=(pair, pair)))
    header = TokenTable([replace(document, run=twice)]).header()
    assert len(set(header)) == len(header)


def test_every_column_is_documented(document: Document, other: Document) -> None:
    of_runs, of_prompts = DOCS.read_text(encoding="utf-8").split("## Prompts")
    described = {
        name.strip("` ")
        for line in of_runs.splitlines()
        if line.startswith("| `")
        for name in line.split("|")[1].split(",")
    }
    names = {name for name in TokenTable([other]).header() if " " not in name}
    assert described == names | {f"{what} NAME" for what in PAIR_UNITS}
    units = {column.unit for column in TokenTable([other]).columns()}
    assert all(unit in of_runs for unit in units)
    columns = [
        line.split("|")[1].strip("` ") for line in of_prompts.splitlines() if line[:3] == "| `"
    ]
    assert columns == PromptTable([]).header()


def test_without_the_package_the_error_names_it(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(HistoryError, match=r"pyarrow.*tuneshift\[parquet\]"):
        write_parquet([document])
