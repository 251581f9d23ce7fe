"""Translation of errors of the Hub, the network and the disk into :class:`HubError`."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError

from app.checkpoints.hub.hub_client import NoAnswerError
from app.checkpoints.hub.ids import HubId
from app.errors import HubError

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)
_LOG_IN = "log in with `hf auth login`"


class UnreachableError(HubError):
    """The Hub cannot be reached; models in the cache still work."""


@contextmanager
def explained(hub_id: HubId | None = None) -> Iterator[None]:
    """Turn errors of huggingface_hub and of the system into :class:`HubError`."""
    try:
        yield
    except Exception as error:
        raise explain(error, hub_id) from error


def explain(error: Exception, hub_id: HubId | None = None) -> Exception:
    """The :class:`HubError` that explains ``error``, or ``error`` itself if it is unknown."""
    if isinstance(error, HubError):
        return error
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    if isinstance(error, LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        return explain(error.__cause__, hub_id)  # the library's “not in the cache either”
    if isinstance(error, HfHubHTTPError):
        return _refused(error, hub_id)
    return _unreachable(error) or _of_the_disk(error) or _of_the_answer(error) or error


def corrupt(name: str, evidence: str) -> HubError:
    """The error for a file whose content does not match its hash on the Hub."""
    return HubError(
        f"The file {name} arrived damaged and was deleted",
        evidence=evidence,
        next_step="Download it again.",
    )


def _refused(error: Exception, hub_id: HubId | None) -> HubError:
    from huggingface_hub.errors import (
        DisabledRepoError,
        GatedRepoError,
        HfHubHTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    assert isinstance(error, HfHubHTTPError)
    status = error.response.status_code
    evidence = f"the Hub answered {status}"
    if hub_id is None:
        return _busy(status, evidence)
    if isinstance(error, GatedRepoError):
        return _gated(hub_id, evidence)
    if isinstance(error, RevisionNotFoundError):
        return HubError(
            f"{hub_id.repo} has no revision “{hub_id.revision}”",
            evidence=evidence,
            next_step=f"The revisions are listed at {hub_id.link}/tree/main.",
        )
    if isinstance(error, DisabledRepoError):
        return HubError(f"The Hub has disabled {hub_id.repo}", evidence=evidence)
    if status == 401:
        return _unauthorised(hub_id, evidence)
    if isinstance(error, RepositoryNotFoundError) or status == 404:
        return HubError(
            f"There is no model {hub_id.repo} on the Hub, or it is private",
            evidence=evidence,
            next_step=f"Check the spelling; for a private model, {_LOG_IN}.",
        )
    if status == 403:
        return HubError(
            f"The Hub does not let you download {hub_id.repo}",
            evidence=evidence,
            next_step=f"See {hub_id.link}, then {_LOG_IN} with a token that may read it.",
        )
    return _busy(status, evidence)


def _gated(hub_id: HubId, evidence: str) -> HubError:
    if _logged_in():
        step = (
            f"Open {hub_id.link} and accept the terms with the account that you are logged in with."
            " The owner may still have to approve it."
        )
    else:
        step = f"Open {hub_id.link}, accept the terms, then {_LOG_IN}."
    return HubError(
        f"{hub_id.repo} is gated: its owner asks for your agreement first",
        evidence=evidence,
        next_step=step,
    )


def _unauthorised(hub_id: HubId, evidence: str) -> HubError:
    if _logged_in():
        return HubError(
            f"The Hub does not accept your access token for {hub_id.repo}",
            evidence=evidence,
            next_step=f"Check the spelling, or {_LOG_IN} again.",
        )
    return HubError(
        f"There is no model {hub_id.repo} on the Hub, or it needs you to log in",
        evidence=f"{evidence} and you are not logged in",
        next_step=f"Check the spelling; for a private model, {_LOG_IN}.",
    )


def _logged_in() -> bool:
    from huggingface_hub import get_token

    return get_token() is not None


def _busy(status: int, evidence: str) -> HubError:
    if status == 429:
        return HubError(
            "The Hub asks for a pause, because it was asked too much",
            evidence=evidence,
            next_step=f"Try again in a few minutes, or {_LOG_IN}.",
        )
    return HubError(
        "The Hub has a problem", evidence=evidence, next_step="Try again in a few minutes."
    )


def _unreachable(error: Exception) -> HubError | None:
    from huggingface_hub.errors import OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return UnreachableError(
            "The Hub is switched off",
            evidence="HF_HUB_OFFLINE is set",
            next_step="What is downloaded already still works; unset HF_HUB_OFFLINE to go online.",
        )
    # By name, because the library's HTTP client is httpx or httpx2 depending on its version.
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, NoAnswerError) or kinds & {"ConnectError", "ConnectTimeout", "ProxyError"}:
        return UnreachableError(
            "The Hub cannot be reached",
            evidence=str(error),
            next_step="Check the network; what is downloaded already still works.",
        )
    if "TimeoutException" in kinds:
        return UnreachableError(
            "The Hub stopped answering",
            evidence=str(error) or "time-out",
            next_step="Check the network and try again.",
        )
    if "TransportError" in kinds:
        return UnreachableError(
            "The connection to the Hub was lost",
            evidence=str(error),
            next_step="Check the network and try again.",
        )
    return None


def _of_the_disk(error: Exception) -> HubError | None:
    if not isinstance(error, OSError):
        return None
    if error.errno in _DISK_FULL:
        return HubError(
            "The disk is full",
            evidence=str(error),
            next_step="Delete models that you no longer need, or other files, and try again.",
        )
    if error.errno in _NOT_WRITABLE:
        return HubError(
            "The folder of downloaded models cannot be written to",
            evidence=str(error),
            next_step="Check its permissions, or set HF_HOME to another folder.",
        )
    return None


def _of_the_answer(error: Exception) -> HubError | None:
    """The error for answers that are not from the Hub, such as a hotel network's log-in page."""
    from huggingface_hub.errors import FileMetadataError, SafetensorsParsingError

    if isinstance(error, SafetensorsParsingError):
        return HubError(
            "The header of a weight file cannot be read",
            evidence=str(error).splitlines()[0],
            next_step="Choose another model.",
        )
    if isinstance(error, OSError) and "onsistency check failed" in str(error):
        return HubError(
            "A file arrived with another size than it has on the Hub",
            evidence=str(error).splitlines()[0],
            next_step="Try again.",
        )
    if isinstance(error, FileMetadataError | JSONDecodeError):
        return HubError(
            "The answer did not come from the Hub",
            evidence=str(error).splitlines()[0],
            next_step="Check whether the network asks you to log in, or a proxy is in the way.",
        )
    return None
