"""What holds for every test: its kind, its surroundings, and no thread that is left behind."""

from __future__ import annotations

import gc
import os
import random
import secrets
import tempfile
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

from tests import surroundings

surroundings.settle()
_FOLDER = tempfile.TemporaryDirectory(prefix="tuneshift-tests-")
for _name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
    os.environ[_name] = str(Path(_FOLDER.name, _name.lower()))
for _name in ("HOME", "USERPROFILE", "OLLAMA_MODELS"):  # where other programs keep models
    os.environ[_name] = _FOLDER.name
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny models only wait for more threads

import numpy as np  # noqa: E402 — the folders above must be set before anything reads them
import pytest  # noqa: E402
import torch  # noqa: E402
from hypothesis import HealthCheck  # noqa: E402
from hypothesis import settings as hypothesis_settings  # noqa: E402

from app.checkpoints.proof import proving  # noqa: E402
from app.checkpoints.spec import Recipe  # noqa: E402
from tests import tiny  # noqa: E402
from tests.kinds import mark_kinds  # noqa: E402

hypothesis_settings.register_profile(
    "tuneshift",
    deadline=None,  # the machine may be busy
    derandomize=True,  # the same examples in every run
    max_examples=50,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
hypothesis_settings.load_profile("tuneshift")


secrets.randbelow = random.randrange  # a seed that nobody chose: some end a text at once
proving.SECONDS, proving.TOO_SLOW = 300.0, 600.0  # a busy machine skips no reading
_SECONDS_TO_END = 60.0


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_kinds(items)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Keep what was imported out of later collections of garbage.

    The program collects whenever it unloads models. With the million objects of torch,
    transformers and the test modules each collection takes a second, and most tests would.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> None:
    _seed(f"{fixturedef.baseid}::{fixturedef.argname}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    _seed(item.nodeid)


def _seed(name: str) -> None:
    """Let the global generators draw the same in every run, whatever ran before."""
    seed = zlib.crc32(name.encode())
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    # tqdm and tokenizers keep daemons of their own
    left = [t for t in threading.enumerate() if t not in before and not t.daemon]
    for thread in left:
        thread.join(_SECONDS_TO_END)  # transformers does not wait for its readers when cancelled
    left = [thread for thread in left if thread.is_alive()]
    assert not left, f"threads left behind: {left}"


@pytest.fixture(scope="session")
def families(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tiny.Family]:
    """A tiny base, expert and anti-expert of each architecture, as checkpoint folders."""
    root = tmp_path_factory.mktemp("tiny")
    return {name: tiny.make_family(root / name, name) for name in tiny.ARCHITECTURES}


@pytest.fixture(scope="session")
def llama(families: dict[str, tiny.Family]) -> tiny.Family:
    return families["llama"]


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama whose layers NF4 can hold on a CPU, as a checkpoint folder."""
    return tiny.save(tiny.random_model(tiny.wide_llama(), 0), tmp_path_factory.mktemp("wide"))


@pytest.fixture
def tiny_recipe(llama: tiny.Family) -> Recipe:
    return llama.recipe()
