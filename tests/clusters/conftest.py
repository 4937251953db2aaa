"""A Ray cluster of two nodes on this machine, and a server that speaks S3."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).parents[2]

# One thread wherever it runs: a test must not depend on the cores of the machine.
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(REPOSITORY),
    "OMP_NUM_THREADS": "1",
    "SOURCE_DATE_EPOCH": "1700000000",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
# Ray's own words for: this machine's address is that of the loopback device.
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
START = """
from ray._private import ray_constants, services
ray_constants.ENABLE_RAY_CLUSTER = True  # more than one node, of one machine
services.resolve_ip_for_localhost = lambda host: host
from ray.scripts.scripts import main
main()
"""
"""``ray start``, which stays on the loopback device for a second node too."""

for name in ("RAY_ADDRESS", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
    ENVIRONMENT.pop(name, None)


def free_port() -> int:
    """Return a port of the loopback device that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class S3:
    """A server on this machine."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to know to use it."""
        return {"AWS_ENDPOINT_URL": self.url}

    def put(self, bucket: str, folder: Path) -> None:
        """Make a bucket of a folder."""
        import s3fs  # noqa: PLC0415 - only where the tests run

        account = {"key": "testing", "secret": "testing"}  # moto takes any
        system = s3fs.S3FileSystem(**account, endpoint_url=self.url, skip_instance_cache=True)
        system.mkdir(bucket)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                system.pipe(f"{bucket}/{path.relative_to(folder).as_posix()}", path.read_bytes())


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """Start moto's server, which keeps what it is given in memory."""
    port = free_port()
    command = [sys.executable, "-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:  # it says so when it listens
            if "Running on" in line:
                break
        yield S3(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.communicate()


@dataclass(frozen=True)
class Cluster:
    """Two nodes, each of one core."""

    address: str
    kill: Path
    """A worker that meets a picture of one colour while this file is there removes it and ends."""


@pytest.fixture(scope="session")
def cluster(s3: S3) -> Iterator[Cluster]:
    """Start two nodes with ``ray start``, on the loopback device alone."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    # Its sockets lie in there, whose paths must be short.
    folder = Path(tempfile.mkdtemp(prefix="rg-ray-", dir="/tmp"))
    started: list[subprocess.Popen[bytes]] = []
    common = ["--node-ip-address=127.0.0.1", "--num-cpus=1", f"--object-store-memory={200 * 2**20}"]
    head = ["--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={folder}"]
    try:
        for words in (head, [f"--address={address}"]):
            process = subprocess.Popen(
                [sys.executable, "-c", START, "start", "--block", *words, *common],
                env={
                    **ENVIRONMENT,
                    **LOOPBACK,
                    **TOKEN,
                    **s3.environment,
                    "RAY_USAGE_STATS_ENABLED": "0",
                    "KILL_ONCE": str(folder / "kill"),
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            started.append(process)
            assert process.stdout is not None
            for line in process.stdout:
                if b"Ray runtime started" in line:
                    break
            else:
                pytest.fail(f"ray start ended with {process.wait()}")
        yield Cluster(address, folder / "kill")
    finally:
        for process in reversed(started):
            _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a node with all that it started, and nothing else: its workers end with it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def run() -> Callable[..., Ran]:
    """Run ``reportgen`` in a process of its own, as Ray leaves threads and sockets behind."""

    def call(*words: object, **environment: str) -> Ran:
        cache = {"REPORTGEN_CACHE": os.environ["REPORTGEN_CACHE"]}
        full = {**ENVIRONMENT, **LOOPBACK, **TOKEN, **cache, **environment}
        done = subprocess.run(
            [sys.executable, "-m", "reportgen", *map(str, words)],
            env={name: value for name, value in full.items() if value},
            cwd=Path(__file__).parent,  # where small_net.py is found
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return call


def draw(folder: Path, count: int, side: int = 48) -> Path:
    """Fill a folder with small pictures, each of them another."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(0)
    for number in range(count):
        coarse = chance.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((side, side)).save(folder / f"{number:05}.png")
    return folder


def content(report: Path) -> dict[str, object]:
    """Return every file of a report; of its manifest what it says, whatever the order."""
    found: dict[str, object] = {}
    for path in sorted(report.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            name = path.relative_to(report).as_posix()
            found[name] = json.loads(data) if name == "manifest.json" else data
    return found
