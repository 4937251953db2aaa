"""The choice of an engine, room for workers, and a plan on its way: no Ray is started here."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from torch import nn

from reportgen import engines
from reportgen.engines import cluster, on_ray, shipping, worker
from reportgen.errors import ModelError, OptionError
from reportgen.options import BuildOptions, ModelOptions
from reportgen.plan import Plan, prepare
from reportgen.progress import Silent
from reportgen.values import ImageFile

ONE, TWO = cluster.Node("a", "one", 1, 0), cluster.Node("b", "two", 2, 1)


def opened(data: bytes) -> Any:  # noqa: ANN401 - whatever was packed
    return pickle.loads(data)  # noqa: S301 - made here


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"engine": "slurm"}, "--engine: expected one of local, ray, found 'slurm'"),
        ({"workers": 2}, "--workers: it is for --engine ray"),
        ({"address": "auto"}, "--address: it is for --engine ray"),
    ],
)
def test_options_that_do_not_fit(changed: dict[str, object], text: str) -> None:
    with pytest.raises(OptionError, match=text):
        engines.check(BuildOptions(images=Path("photos"), **changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "blocks", "threads", "expected"),
    [
        (None, 100, 1, (3, 1)),  # all there is room for
        (2, 100, 1, (2, 1)),
        (None, 2, 1, (2, 1)),  # no more than there is to do
        (8, 3, 1, (3, 1)),  # asked for, but not needed
        (None, 100, 2, (1, 2)),  # a worker of two threads has no room on the small node
        (3, 100, 2, (3, 1)),  # unless that is asked for
        (None, 100, 8, (1, 2)),  # nowhere are there so many
    ],
)
def test_workers_get_room(
    wanted: int | None, blocks: int, threads: int, expected: tuple[int, int]
) -> None:
    found = cluster.place((ONE, TWO), wanted=wanted, blocks=blocks, threads=threads, gpu=False)
    assert (found.workers, found.cpus) == expected


def test_gpus_are_counted_where_they_are_needed() -> None:
    found = cluster.place((ONE, TWO), wanted=None, blocks=9, threads=4, gpu=True)
    assert found == cluster.Places(workers=1, cpus=1, gpus=1)
    with pytest.raises(OptionError, match="2 workers with a GPU each"):
        cluster.place((ONE, TWO), wanted=2, blocks=9, threads=4, gpu=True)


def test_workers_without_room_are_refused() -> None:
    with pytest.raises(OptionError, match=r"4 workers with a CPU each .* room for 3 \(2 nodes\)"):
        cluster.place((ONE, TWO), wanted=4, blocks=9, threads=1, gpu=False)
    with pytest.raises(OptionError, match="room for 0"):
        cluster.place(
            (cluster.Node("a", "head", 0, 0),), wanted=None, blocks=9, threads=1, gpu=False
        )


@pytest.mark.parametrize(
    ("images", "batch", "expected"),
    [(1, 16, 16), (2000, 16, 16), (65_536, 16, 16), (65_537, 16, 32), (1_000_000, 16, 256)],
)
def test_blocks_are_whole_batches_and_few(images: int, batch: int, expected: int) -> None:
    assert on_ray.block_size(images, batch) == expected


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("127.0.0.1:1", "nothing answers at 127.0.0.1:1"),
        ("127.0.0.1:99999", "nothing answers"),
        ("here", "HOST:PORT is expected"),
        ("ray://127.0.0.1:10001", "run the command on a machine of the cluster"),
    ],
)
def test_an_address_without_a_cluster_is_refused_at_once(address: str, text: str) -> None:
    options = BuildOptions(images=Path("photos"), engine="ray", address=address)
    engine = engines.choose(options, Silent())
    with pytest.raises(OptionError, match=text):
        engine.__enter__()


def test_pictures_travel_as_rows() -> None:
    images = [
        ImageFile(Path("/photos/\udcff.png"), r"\xff.png"),
        ImageFile(Path("a/b.jpg"), "a/b.jpg", "is a link", "s3://bucket/a/b.jpg"),
    ]
    found = worker.images_of(worker.rows(images))
    assert found[0] == images[0]
    assert found[1].path == Path("a/b.jpg").absolute()
    assert (found[1].name, found[1].refused, found[1].url) == (
        "a/b.jpg",
        *(images[1].refused, images[1].url),
    )


def test_nodes_with_other_software_are_named() -> None:
    here = {"reportgen": "1", "torch": "2.6", "formulas": "x"}
    cluster.compare(ONE, dict(here), here)
    for there, text in (
        ({**here, "torch": "2.7"}, "node 'one' has torch 2.7, this machine 2.6"),
        ({**here, "formulas": "y"}, "reportgen 1 with other code"),
        ("No module named 'reportgen'", "cannot be loaded on node 'one'"),
    ):
        with pytest.raises(OptionError, match=text):
            cluster.compare(ONE, there, here)


@pytest.fixture(scope="module")
def plan() -> Plan:
    network = ModelOptions(model="squeezenet1_1", weights="none")
    options = BuildOptions(images=Path("photos"), network=network)
    return prepare(options, [ImageFile(Path("a.jpg"), "a.jpg")], Silent())


def test_a_plan_arrives_as_it_was_sent(plan: Plan) -> None:
    there = shipping.unpack(shipping.pack(plan))
    assert there.options == plan.options
    assert there.attribution.methods == plan.attribution.methods
    sent, arrived = plan.loaded.module.state_dict(), there.loaded.module.state_dict()
    assert sent.keys() == arrived.keys()
    for name, tensor in sent.items():
        assert torch.equal(tensor, arrived[name])
        assert tensor.stride() == arrived[name].stride(), "the memory format decides about rounding"


@pytest.mark.filterwarnings(
    "ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning"
)
def test_torchscript_travels_too() -> None:
    network = torch.jit.script(nn.Conv2d(3, 4, 3))
    there = opened(shipping.packed({"network": network}))["network"]
    image = torch.rand(1, 3, 8, 8)
    assert torch.equal(there(image), network(image))


def test_a_network_that_cannot_be_sent_is_refused(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = (value for value in (1, 2))  # a generator has no pickle
    monkeypatch.setattr(plan.loaded.module, "held", lock, raising=False)
    with pytest.raises(ModelError, match="cannot be sent to the workers"):
        shipping.pack(plan)


def test_an_error_of_a_worker_arrives_as_itself() -> None:
    table = worker.failure(ModelError("no such layer"))
    assert table.schema == worker.RESULT
    found = opened(table.to_pylist()[0]["error"])
    assert isinstance(found, ModelError)
    assert str(found) == "no such layer"


def test_an_error_that_has_no_pickle_arrives_as_text() -> None:
    class Odd(Exception):  # noqa: N818 - of another module, and not ours to name
        pass

    found = opened(worker.failure(Odd("broken")).to_pylist()[0]["error"])
    assert str(found) == "Odd: broken"
    assert isinstance(worker.failure(Odd("x")), pa.Table)
