"""The process in which an expert is trained. It imports little before it is told what to do."""

from __future__ import annotations

import errno
import faulthandler
import os
import signal
import sys
import threading
import warnings
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TextIO

from app.errors import Cancelled, TuneshiftError, kind_and_places
from app.training.data.training_files import LOG
from app.training.messages.training_channel import Channel
from app.training.messages.training_events import GOES_ON, Abandoned, Failed
from app.training.process.training_folder import TrainingFolder

_AFTER_FULL_MEMORY = (
    f"Close other programs. {GOES_ON} "
    "Or train a smaller model, or with shorter examples, into another folder."
)

_FULL_DISK = ("(os error 28)", "(os error 112)", "PytorchStreamWriter failed writing file")


def work(folder: Path, connection: Connection) -> None:
    """Train what the folder says; the entry point of the process.

    The texts that are trained on reach no log and no terminal: what libraries say may quote them,
    and so do messages of exceptions, and what the tokenizers print in Rust before they raise.
    So stdout and stderr lead nowhere, and the log has the kinds and places of exceptions alone.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the program, which asks to stop
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TQDM_DISABLE"] = "1"
    # Open until the process ends; that of another process, if the folder is locked.
    log = (folder / LOG).open("a", encoding="utf-8", buffering=1)
    _log_without_texts(log)
    channel = Channel(connection)
    try:
        run_and_report(TrainingFolder(folder), channel)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a defect: the program sees the status, and the last line
        log.write(f"{kind_and_places(error)}\n")
        sys.exit(1)
    finally:
        connection.close()


def _log_without_texts(log: TextIO) -> None:
    """Let exceptions and signals that end the process into the log, and nothing into a terminal."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    warnings.simplefilter("ignore")
    faulthandler.enable(log)

    def tell(error: BaseException | None) -> None:
        if error is not None and not isinstance(error, SystemExit):
            log.write(f"{kind_and_places(error)}\n")

    sys.excepthook = lambda kind, error, trace: tell(error)
    sys.unraisablehook = lambda met: tell(met.exc_value)
    threading.excepthook = lambda met: tell(met.exc_value)


def _is_full_disk(error: BaseException | None) -> bool:
    """Whether an error says that a file could not be written for lack of space.

    The writers of safetensors and torch raise errors of their own, which only say so in words.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if any(words in str(error) for words in _FULL_DISK):
            return True
        error = error.__cause__ or error.__context__
    return False


def run_and_report(folder: TrainingFolder, channel: Channel) -> None:
    """Train what a folder says; errors that a person can cause, and the end, become events."""
    from app.checkpoints.devices import is_out_of_memory, out_of_memory, resolve_device
    from app.training.process.expert_run import run_training

    try:
        with folder.lock():
            run_training(folder, channel)
    except Cancelled:
        channel.send(Abandoned(folder.is_trained))
    except TuneshiftError as error:
        channel.send(Failed(error.cause, error.evidence, error.next_step))
    except Exception as error:
        if _is_full_disk(error):
            channel.send(
                Failed(
                    f"The disk of {folder.path} is full",
                    next_step=f"Free some disk space. {GOES_ON}",
                )
            )
            return
        if not is_out_of_memory(error):
            raise
        device = resolve_device(folder.read()[0].small.device)
        found = out_of_memory("training", device, error=error, next_step=_AFTER_FULL_MEMORY)
        channel.send(Failed(found.cause, found.evidence, found.next_step))
