"""Headers of LoRA adapters in GGUF format: what they hold, and what is said of unsuitable ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import PreTrainedModel

from app.checkpoints.formats import gguf
from app.checkpoints.formats.gguf_adapter import holds_adapter, open_gguf_adapter
from app.errors import CheckpointError
from tests import tiny, tiny_gguf

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    return tiny.make_model("llama", 11)


@pytest.fixture(scope="module")
def header(model: PreTrainedModel, tmp_path_factory: pytest.TempPathFactory) -> gguf.GgufHeader:
    path = tmp_path_factory.mktemp("model") / "model.gguf"
    return gguf.read_header(tiny_gguf.write(model, path))


def test_an_adapter_is_opened(
    model: PreTrainedModel, header: gguf.GgufHeader, tmp_path: Path
) -> None:
    path = tmp_path / "style.gguf"
    changes = tiny_gguf.write_adapter(path, model, seed=1, rank=4)
    (tmp_path / "tokenizer.json").write_text("{}")  # of something else
    found = open_gguf_adapter(path, header)
    assert holds_adapter(path)
    assert not holds_adapter(header.path)
    assert found.weights == path
    assert found.is_gguf
    assert not found.has_tokenizer
    assert len(found.tensors) == 2 * len(changes)
    assert found.weight_bytes == 2 * len(changes) * 4 * model.config.hidden_size * 4


def test_files_that_hold_no_usable_adapter(
    model: PreTrainedModel, header: gguf.GgufHeader, tmp_path: Path
) -> None:
    path = tmp_path / "style.gguf"
    with pytest.raises(CheckpointError, match="There is no file"):
        open_gguf_adapter(path, header)
    with pytest.raises(CheckpointError, match="it holds no adapter"):
        open_gguf_adapter(header.path, header)
    tiny_gguf.write_adapter(path, model, seed=1, kind="ia3")
    with pytest.raises(CheckpointError, match="of the kind “ia3”"):
        open_gguf_adapter(path, header)
    tiny_gguf.write_adapter(
        path,
        model,
        seed=1,
        facts=[lambda writer: writer.add_array("adapter.alora.invocation_tokens", [1, 2])],
    )
    with pytest.raises(CheckpointError, match="only after certain tokens"):
        open_gguf_adapter(path, header)
    tiny_gguf.write_adapter(path, model, seed=1)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"(?s)is damaged.*incomplete"):
        open_gguf_adapter(path, header)
    assert not holds_adapter(path)


def test_adapters_of_other_models(
    model: PreTrainedModel, header: gguf.GgufHeader, tmp_path: Path
) -> None:
    path = tmp_path / "style.gguf"
    tiny_gguf.write_adapter(path, tiny.make_model("qwen2", 1), seed=1)
    with pytest.raises(CheckpointError, match="for qwen2, the model is llama"):
        open_gguf_adapter(path, header)
    deeper = tiny.make_model("llama", 11)
    deeper.config.num_hidden_layers += 1
    tiny_gguf.write_adapter(path, deeper, seed=1)
    last = f"blk.{model.config.num_hidden_layers}.attn_output.weight"
    with pytest.raises(CheckpointError, match=rf"no tensor “{last}”"):
        open_gguf_adapter(path, header)
