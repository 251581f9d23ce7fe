"""The process in which an expert is trained. It imports little before it is told what to do."""

from __future__ import annotations

import os
import signal
import sys
import traceback
import warnings
from multiprocessing.connection import Connection
from pathlib import Path

from app.errors import Cancelled, TuneshiftError
from app.training.data.training_files import LOG
from app.training.messages.training_channel import Channel
from app.training.messages.training_events import GOES_ON, Abandoned, Failed
from app.training.process.training_folder import TrainingFolder

_AFTER_FULL_MEMORY = (
    f"Close other programs. {GOES_ON} "
    "Or train a smaller model, or with shorter examples, into another folder."
)


def work(folder: Path, connection: Connection) -> None:
    """Train what the folder says; the entry point of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the program, which asks to stop
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TQDM_DISABLE"] = "1"
    with (folder / LOG).open("ab") as file:  # that of another process, if the folder is locked
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                os.dup2(file.fileno(), stream.fileno())
    warnings.simplefilter("ignore")
    channel = Channel(connection)
    try:
        run_and_report(TrainingFolder(folder), channel)
    except Exception as error:  # a defect: the program sees the status, and the log's last line
        sys.stderr.write(without_texts(error))
        sys.exit(1)
    finally:
        connection.close()


def without_texts(error: BaseException) -> str:
    """The traceback of a defect for the log.

    The message of an exception may quote a text that is trained on. So it is left out, but for
    those of the system, and of torch, which raises ``RuntimeError`` itself.
    """
    frames = "".join(traceback.format_tb(error.__traceback__))
    kind = type(error)
    says = isinstance(error, OSError) or kind is RuntimeError
    return f"{frames}{kind.__name__}{f': {error}' if says else ''}\n"


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
        if not is_out_of_memory(error):
            raise
        device = resolve_device(folder.read()[0].small.device)
        found = out_of_memory("training", device, error=error, next_step=_AFTER_FULL_MEMORY)
        channel.send(Failed(found.cause, found.evidence, found.next_step))
