"""A small Hub on loopback, for the real huggingface_hub client.

    with HubServer() as server:
        server.add_repo("owner/name", files)
        server.connect(monkeypatch, tmp_path)

It speaks what the client asks for: information about a model, search, and files with ranges. Large
files are on another host, as on the real Hub, where a token must not be sent.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import huggingface_hub
import pytest
from huggingface_hub import constants

TOKEN = "hf_good"
_LARGE = (".safetensors", ".bin", ".gguf")


class Fail(StrEnum):
    """What goes wrong with the large files of a repository, or with all of it."""

    UNAUTHORISED = "unauthorised"  # 401 for everything
    FORBIDDEN = "forbidden"  # 403 for every file
    BROKEN = "broken"  # 500 for everything
    CAPTIVE = "captive"  # a log-in page for everything
    DROP = "drop"  # the connection ends in the middle of a large file, each time
    DROP_ONCE = "drop once"  # … the first time; then the client goes on where it was
    STALL = "stall"  # a large file stands still in the middle until the server is released
    CORRUPT = "corrupt"  # a byte of a large file is wrong
    SHORT = "short"  # a large file is smaller than announced
    SILENT = "silent"  # no answer to anything until the server is released


@dataclass
class Repo:
    """A repository; change ``fail`` at any time."""

    id: str
    files: dict[str, bytes]
    gated: bool = False
    fail: Fail | None = None
    licence: str = "apache-2.0"
    config: dict[str, Any] = field(default_factory=dict)
    downloads: int = 0
    likes: int = 0
    parameters: dict[str, int] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)

    @property
    def commit(self) -> str:
        digest = hashlib.sha1(self.id.encode())
        for name, content in sorted(self.files.items()):
            digest.update(f"{name}\0{git_hash(content)}\0".encode())
        return digest.hexdigest()

    def information(self, with_files: bool) -> dict[str, Any]:
        about: dict[str, Any] = {
            "id": self.id,
            "sha": self.commit,
            "gated": "manual" if self.gated else False,
            "downloads": self.downloads,
            "likes": self.likes,
            "tags": ["safetensors", f"license:{self.licence}"],
            "cardData": {"license": self.licence},
            "config": self.config,
        }
        if self.parameters:
            counts = {"parameters": self.parameters, "total": sum(self.parameters.values())}
            about["safetensors"] = counts
        if with_files:
            about["siblings"] = [self._sibling(name) for name in sorted(self.files)]
        return about

    def _sibling(self, name: str) -> dict[str, Any]:
        content = self.files[name]
        about: dict[str, Any] = {
            "rfilename": name,
            "size": len(content),
            "blobId": git_hash(content),
        }
        if name.endswith(_LARGE):
            sha256 = sha256_of(content)
            about["lfs"] = {"size": len(content), "sha256": sha256, "pointerSize": 130}
        return about


@lru_cache(maxsize=64)
def sha256_of(content: bytes) -> str:
    """What the large-file storage calls a file with this content."""
    return hashlib.sha256(content).hexdigest()


@lru_cache(maxsize=64)
def git_hash(content: bytes) -> str:
    """What git calls a file with this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class HubServer:
    """Starts in ``with`` and leaves no thread behind.

    Attributes:
        requests: Every request as ``METHOD path``, in order.
        tokens: Every token that was sent.
        leaked: Tokens that were sent to the host of the large files.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.tokens: list[str] = []
        self.leaked: list[str] = []
        self._moved: dict[str, str] = {}
        self._repos: dict[str, Repo] = {}
        self._stalled = threading.Event()
        self._released = threading.Event()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.hub = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._http.shutdown()
        self._http.server_close()  # waits for what is being answered
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def storage_url(self) -> str:
        """Where the large files are."""
        return f"http://localhost:{self._http.server_address[1]}/storage"

    def add_repo(
        self,
        repo_id: str,
        files: dict[str, bytes] | Path,
        *,
        gated: bool = False,
        fail: Fail | None = None,
        **about: Any,
    ) -> Repo:
        """A repository with ``files``, by name or those of a checkpoint folder."""
        if isinstance(files, Path):
            files = {path.name: path.read_bytes() for path in files.iterdir() if path.is_file()}
        repo = Repo(repo_id, dict(files), gated=gated, fail=fail, **about)
        self._repos[repo_id] = repo
        return repo

    def move_repo(self, old: str, new: str) -> None:
        """Give a repository another name; the old one leads there."""
        self._moved[old] = new

    def moved(self, repo_id: str) -> str | None:
        return self._moved.get(repo_id)

    def repo(self, repo_id: str) -> Repo | None:
        return self._repos.get(repo_id)

    def search(self, text: str, limit: int) -> list[dict[str, Any]]:
        found = [repo for name, repo in self._repos.items() if text.lower() in name.lower()]
        found.sort(key=lambda repo: -repo.downloads)
        return [repo.information(with_files=False) for repo in found[:limit]]

    def connect(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        """Let the client of this process use this server, and ``folder`` for its cache."""
        template = "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", self.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", self.url + template)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(folder / "token"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        huggingface_hub.close_session()

    def environment(self, folder: Path) -> dict[str, str]:
        """The same for the client of another process."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HUB_OFFLINE": "0",
            "HF_HOME": str(folder),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def downloads_of(self, name: str) -> int:
        """How many times a file was asked for."""
        return sum(
            request.startswith("GET ") and request.endswith(f"/{name}") for request in self.requests
        )

    def wait_until_stalled(self) -> None:
        """Until a file stands still in the middle."""
        assert self._stalled.wait(60)

    @property
    def has_stalled(self) -> bool:
        return self._stalled.is_set()

    def stall(self) -> None:
        """Stand still until released; called by a request."""
        self._stalled.set()
        self._released.wait()

    def release(self) -> None:
        """Let files that stand still end."""
        self._released.set()


class _Http(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for them
    hub: HubServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error."""


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.0: each connection ends with its answer, so that no thread waits for another."""

    server: _Http
    _INFORMATION = re.compile(r"^/api/models/(?P<repo>.+?)(?:/revision/(?P<revision>[^/]+))?$")
    _FILE = re.compile(
        r"^(?P<storage>/storage)?/(?P<repo>.+?)/resolve/(?P<revision>[^/]+)/(?P<name>.+)$"
    )

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.server.hub.requests.append(f"{self.command} {unquote(url.path)}")
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token:
            self.server.hub.tokens.append(token)
            if url.path.startswith("/storage/"):
                self.server.hub.leaked.append(token)
        if url.path == "/api/models":
            query = parse_qs(url.query)
            text, limit = query.get("search", [""])[0], int(query.get("limit", ["20"])[0])
            self._json(self.server.hub.search(text, limit))
        elif (match := self._INFORMATION.match(url.path)) or (match := self._FILE.match(url.path)):
            self._repo(match, token)
        else:
            self._error(404, "")

    def _repo(self, match: re.Match[str], token: str) -> None:
        found = match.groupdict()
        name = unquote(found["repo"])
        if new := self.server.hub.moved(name):
            self._body(307, b"", {"Location": self.path.replace(name, new, 1)})
        else:
            revision = unquote(found["revision"] or "main")
            self._answer(self.server.hub.repo(name), revision, found, token)

    def _answer(self, repo: Repo | None, revision: str, found: dict[str, str], token: str) -> None:
        if repo is None:
            self._error(404, "RepoNotFound") if token else self._error(401, "")
        elif repo.fail is Fail.UNAUTHORISED:
            self._error(401, "", "Invalid credentials in Authorization header")
        elif repo.fail is Fail.SILENT:
            self.server.hub.stall()
        elif repo.fail is Fail.BROKEN:
            self._error(500, "")
        elif repo.fail is Fail.CAPTIVE:
            self._body(200, b"<html>Please log in</html>", {"Content-Type": "text/html"})
        elif revision not in ("main", repo.commit):
            self._error(404, "RevisionNotFound")
        elif "name" not in found:
            self._json(repo.information(with_files=True))
        elif found["storage"]:
            self._file(repo, unquote(found["name"]), stored=True)
        elif repo.gated and token != TOKEN:
            self._error(403 if token else 401, "GatedRepo")
        elif repo.fail is Fail.FORBIDDEN:
            self._error(403, "")
        elif unquote(found["name"]) not in repo.files:
            self._error(404, "EntryNotFound")
        else:
            self._file(repo, unquote(found["name"]), stored=False)

    def _file(self, repo: Repo, name: str, *, stored: bool) -> None:
        content = repo.files[name]
        large = name.endswith(_LARGE)
        headers = {"X-Repo-Commit": repo.commit, "ETag": f'"{git_hash(content)}"'}
        if large:
            headers["X-Linked-Etag"] = f'"{sha256_of(content)}"'
            headers["X-Linked-Size"] = str(len(content))
        if large and not stored:
            headers["Location"] = self.server.hub.storage_url + self.path
            self._body(302, b"", headers)
        else:
            self._content(repo, name, content, headers)

    def _content(self, repo: Repo, name: str, content: bytes, headers: dict[str, str]) -> None:
        large = name.endswith(_LARGE)
        fail = repo.fail if large and self.command == "GET" else None
        if fail is Fail.CORRUPT:
            content = content[:-1] + bytes([content[-1] ^ 1])
        if fail is Fail.SHORT:
            content = content[:-1]
        start, end, status = 0, len(content), 200
        if asked := re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            start, status = int(asked[1]), 206
            end = min(int(asked[2]) + 1, end) if asked[2] else end
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
        breaks = fail in (Fail.DROP, Fail.STALL)
        if fail is Fail.DROP_ONCE and name not in repo.dropped:
            repo.dropped.add(name)
            breaks = True
        self._body(status, content[start:end], headers, breaks=breaks, stalls=fail is Fail.STALL)

    def _json(self, content: object) -> None:
        self._body(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _error(self, status: int, code: str, message: str = "no") -> None:
        self._body(status, b"{}", {"X-Error-Code": code, "X-Error-Message": message})

    def _body(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str],
        *,
        breaks: bool = False,
        stalls: bool = False,
    ) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body[: len(body) // 2] if breaks else body)
        if stalls:
            self.wfile.flush()
            self.server.hub.stall()
