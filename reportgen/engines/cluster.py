"""A Ray cluster to compute on: started on this machine, or joined."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen import provenance
from reportgen.errors import OptionError
from reportgen.identity import formulas

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reportgen.progress import Observer

# Ray reads these when it is imported. It is to send nothing to anybody, a machine without an
# accelerator is to keep its variables as they are, and what its core has to say of itself goes to
# its log files, not between our lines.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")

import ray
from ray._private import ray_constants
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

_ANSWERS = 5.0
"""Seconds that the head of a cluster may take to accept a connection."""

_STORE = 2**30
"""Most bytes of the object store of a Ray that is started here, for blocks on their way."""
_SHARED = Path("/dev/shm")  # noqa: S108 - where Ray keeps its store, on Linux


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of a cluster, or one ``ray start`` of several on a machine."""

    id: str
    name: str
    cpus: int
    gpus: int


@dataclass(frozen=True, slots=True)
class Places:
    """How many workers there are, and what each of them reserves."""

    workers: int
    cpus: int
    gpus: int


def start(observer: Observer) -> None:
    """Start Ray on this machine, for this process and as long as it lives.

    Every port is on the loopback device alone, and there is no dashboard.
    """
    observer.stage("Starting Ray on this machine")
    # On Windows and macOS Ray takes the loopback device for a cluster of one machine, and elsewhere
    # the one that leads outwards, which others can reach.
    ray_constants.ENABLE_RAY_CLUSTER = False
    # Without a token of this run's own, Ray writes one into the user's home.
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    with _explained("Ray cannot be started on this machine"), _without_errors():
        ray.init(
            address="local",
            num_cpus=provenance.cores(),
            include_dashboard=False,
            object_store_memory=_store_bytes(),
            log_to_driver=False,
            logging_level=logging.ERROR,
            _node_ip_address="127.0.0.1",
        )


def join(address: str, observer: Observer) -> None:
    """Connect to a cluster that runs.

    Raises
    ------
    OptionError
        If there is no cluster at ``address``, or this machine is no part of it.
    """
    observer.stage(f"Joining the Ray cluster at {address}")
    with _explained(f"--address: the cluster at {address} cannot be joined"), _without_errors():
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)


def stop() -> None:
    """Leave the cluster, and end what was started here."""
    ray.shutdown()


def nodes() -> tuple[Node, ...]:
    """Return what the cluster consists of now."""
    return tuple(
        Node(
            item["NodeID"],
            item["NodeManagerHostname"],
            int(item["Resources"].get("CPU", 0)),
            int(item["Resources"].get("GPU", 0)),
        )
        for item in ray.nodes()
        if item["Alive"]
    )


def place(
    known: Sequence[Node], *, wanted: int | None, blocks: int, threads: int, gpu: bool
) -> Places:
    """Choose how many workers there are, and what each reserves.

    A worker that never finds its cores would be waited for without end, so that is refused here.

    Parameters
    ----------
    known
        The cluster's nodes.
    wanted
        ``--workers``; None for all that there is room for.
    blocks
        Of pictures; more workers than that would have nothing to do.
    threads
        Of torch's, for each worker.
    gpu
        Whether each needs an accelerator of its own.

    Raises
    ------
    OptionError
        If there is not room for as many as wanted.
    """
    if gpu:
        room = sum(node.gpus for node in known)
        cpus, each = 1, "a GPU"
    else:
        # On a cluster of small nodes threads share a core rather than wait for more of them.
        cpus = min(threads, max((node.cpus for node in known), default=0))
        room = sum(node.cpus // cpus for node in known) if cpus else 0
        each = f"{cpus} CPUs"
        if wanted is not None and min(wanted, blocks) > room:
            cpus, each = 1, "a CPU"
            room = sum(node.cpus for node in known)
    if room < 1 or (wanted is not None and wanted > room and min(wanted, blocks) > room):
        raise OptionError(
            f"--workers: {wanted or 1} workers with {each} each were asked for, but the cluster "
            f"has room for {room} ({len(known)} nodes). Give --workers {max(room, 1)} or fewer, "
            f"or add nodes.",
        )
    return Places(min(wanted or room, blocks, room), cpus, int(gpu))


def check_software(known: Sequence[Node]) -> None:
    """Make sure that every node that computes has this reportgen, and what its numbers depend on.

    Raises
    ------
    OptionError
        Naming the node, what was expected and what was found there.
    """
    here = {**dict(provenance.versions()), "formulas": formulas()}

    # Not a function of this module: that would be looked up there, where there may be none.
    def look() -> dict[str, str] | str:
        try:
            from reportgen import identity, provenance  # noqa: PLC0415 - on the node
        except ImportError as error:
            return str(error)
        return {**dict(provenance.versions()), "formulas": identity.formulas()}

    remote = ray.remote(num_cpus=0, max_retries=0)(look)
    computing = [node for node in known if node.cpus or node.gpus]
    asked = [
        remote.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False)
        ).remote()
        for node in computing
    ]
    for node, answer in zip(computing, asked, strict=True):
        compare(node, ray.get(answer), here)


def compare(node: Node, there: dict[str, str] | str, here: dict[str, str]) -> None:
    """Make sure that the software of a node is that of this machine.

    Parameters
    ----------
    node
        Whose it is.
    there, here
        Name → version; a text says why there is no answer.

    Raises
    ------
    OptionError
        Naming the node and the first difference.
    """
    remedy = "Install the same versions on every node, and start Ray there again."
    if isinstance(there, str):
        raise OptionError(
            f"--engine ray: reportgen cannot be loaded on node '{node.name}' ({there}). "
            f"`pip install 'reportgen[ray]=={here['reportgen']}'` into the Python that runs Ray "
            f"there.",
        )
    for name, version in here.items():
        found = there.get(name, "none")
        if found != version and name == "formulas":
            raise OptionError(
                f"--engine ray: node '{node.name}' has reportgen {there['reportgen']} with other "
                f"code than this machine. {remedy}",
            )
        if found != version:
            raise OptionError(
                f"--engine ray: node '{node.name}' has {name} {found}, this machine {version}; "
                f"their numbers need not be equal. {remedy}",
            )


def _store_bytes() -> int:
    """Return how much memory the object store gets: Ray's default is a third of the machine's."""
    free = shutil.disk_usage(_SHARED).free if _SHARED.is_dir() else 2 * _STORE
    return max(100 * 2**20, min(_STORE, free // 2))


def check_address(address: str) -> None:
    """Make sure that something listens at an address: Ray itself would wait for a minute.

    Raises
    ------
    OptionError
        If nothing does, or it is no address of a cluster's head.
    """
    if "://" in address:
        raise OptionError(
            f"--address: HOST:PORT of the cluster's head is expected, found '{address}'. Ray's "
            f"client has no room for results of this size; run the command on a machine of the "
            f"cluster, which may be one that computes nothing (`ray start --address HOST:PORT "
            f"--num-cpus 0`).",
        )
    if address == "auto":
        return
    host, _colon, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise OptionError(
            f"--address: HOST:PORT is expected, such as 10.0.0.1:6379, or 'auto'; found "
            f"'{address}'.",
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWERS).close()
    except (OSError, OverflowError) as error:
        raise OptionError(
            f"--address: nothing answers at {address} ({error}). `ray start --head` prints the "
            f"address of a cluster's head.",
        ) from None


@contextmanager
def _explained(text: str) -> Iterator[None]:
    """Turn whatever Ray raises into an error for the user."""
    try:
        yield
    except Exception as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        raise OptionError(
            f"--engine ray: {text}: {lines[0] if lines else type(error).__name__}. The machine "
            f"that runs this command has to be a node of the cluster: `ray start --address "
            f"HOST:PORT`.",
        ) from error


@contextmanager
def _without_errors() -> Iterator[None]:
    """Let nothing be written to standard error: Ray's core says there what it logs from now on."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
