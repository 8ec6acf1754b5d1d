"""Downloads from a server in this process, on the loopback interface."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from molsieve.errors import MolsieveError
from molsieve.library import download
from molsieve.library.source import LibrarySource

CONTENT = b"CCO ethanol\nCCN ethylamine\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    requests: list[str]
    failures: int


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        if self.path.startswith("/missing"):
            self.send_error(404)
        elif self.path.startswith("/broken") or (self.path.startswith("/shaky") and self.server.failures > 0):
            self.server.failures -= 1
            self.send_error(503)
        elif self.path.startswith("/slow"):
            threading.Event().wait(3)
        else:
            self.send_response(200)
            short = self.path.startswith("/short")
            self.send_header("Content-Length", str(len(CONTENT) * (2 if short else 1)))
            self.end_headers()
            self.wfile.write(CONTENT)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("MOLSIEVE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "_PAUSE_S", 0.01)
    server = Server(("127.0.0.1", 0), Handler)
    server.requests, server.failures = [], 1
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def url(server, path):
    return f"http://127.0.0.1:{server.server_port}/{path}"


def test_fetched_once_and_checked(server, tmp_path):
    for _ in range(2):
        path = download.fetch(url(server, "lib%20one.smi?version=2"), DIGEST)
        assert path.read_bytes() == CONTENT
    assert path.name.endswith("-lib one.smi")
    assert path.is_relative_to(tmp_path / "cache")
    assert len(server.requests) == 1


def test_read_like_a_file(server, read):
    rows = read(url(server, "lib.smi"), sha256=DIGEST)
    assert [(row["source"], row["compound_id"]) for row in rows] == [("lib.smi", "ethanol"), ("lib.smi", "ethylamine")]


def test_a_passing_failure_is_repeated(server):
    assert download.fetch(url(server, "shaky.smi")).read_bytes() == CONTENT
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("path", "told", "requests"),
    [
        ("missing.smi", "404", 1),
        ("broken.smi", "503", download.ATTEMPTS),
        ("short.smi", "download failed", download.ATTEMPTS),
    ],
)
def test_failures_are_told(server, path, told, requests):
    with pytest.raises(MolsieveError, match=told) as caught:
        download.fetch(url(server, path))
    assert caught.value.where == url(server, path)
    assert len(server.requests) == requests
    assert not [file for file in download.cache_folder().glob("*") if file.name.endswith(path)]


def test_timeout(server, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    with pytest.raises(MolsieveError, match="no answer within"):
        download.fetch(url(server, "slow.smi"))


def test_no_server(monkeypatch, tmp_path):
    monkeypatch.setenv("MOLSIEVE_CACHE", str(tmp_path))
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    with pytest.raises(MolsieveError, match="the download failed"):
        download.fetch("http://127.0.0.1:9/lib.smi")


def test_another_digest(server):
    with pytest.raises(MolsieveError, match="another sha256"):
        download.fetch(url(server, "lib.smi"), "0" * 64)


def test_a_local_file_is_checked_too(write):
    path = write("lib.smi", CONTENT)
    assert download.local_copy(str(path), path, DIGEST) == path
    with pytest.raises(MolsieveError, match=DIGEST):
        download.local_copy(str(path), path, LibrarySource(path="x", sha256="0" * 64).sha256)
