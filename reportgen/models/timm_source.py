"""timm's image classifiers, by name and pretrained tag."""

from __future__ import annotations

import logging
import math
import warnings
from collections import Counter
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from reportgen.errors import ModelUnavailableError
from reportgen.language import _
from reportgen.models.source import (
    LoadedModel,
    ModelListing,
    ModelRequest,
    build,
    categories_for,
    describe_model,
)
from reportgen.models.torchvision_source import (
    DOWNLOAD_TIMEOUT_S,
    _socket_timeout,
    _wake_zero_head,
    imagenet_categories,
)
from reportgen.values import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    import torch
    from torch import nn

UNKNOWN = "–"
"""What timm does not say of a network before it is built."""

_MODES = {"center": "shorter", "squash": "squash", "border": "letterbox"}
"""timm's ``crop_mode`` → `Preprocessing.mode`."""

_OTHER_FILES = ("model.safetensors", "pytorch_model.bin")
"""What else timm looks for on the Hub."""

_LOUD = ("huggingface_hub", "timm")
"""Loggers that write to stderr what the error of ours says in one message."""

_WAYS_OUT = (
    "Two ways out without a network: give a local checkpoint with --checkpoint FILE, or use the "
    "embedded model, --model efficientnet_lite0. To try the plumbing only: --weights none."
)


class TimmSource:
    """timm's registry: ``resnet50``, or with a pretrained tag ``resnet50.a1_in1k``."""

    name = "timm"

    def names(self) -> Collection[str]:
        """Return the names of all models, without and with their pretrained tags."""
        return _names()

    def listings(self) -> Iterator[ModelListing]:
        """Yield every model without its tags; nothing is built, so most is unknown."""
        import timm  # noqa: PLC0415 - slow to import, needed by this source alone

        for name in timm.list_models():
            config = _config(name)
            sides = dict.fromkeys(config.input_size[:0:-1])
            yield ModelListing(
                name=name,
                source=self.name,
                input_size="×".join(str(side) for side in sides),
                parameters=UNKNOWN,
                accuracy=UNKNOWN,
                weights=_availability(config),
            )

    def load(self, name: str, request: ModelRequest) -> LoadedModel:
        """Build the model; its default weights are downloaded on first use.

        Raises
        ------
        ModelUnavailableError
            If there are no weights for it, they come without a classifier, or the download fails.
        """
        config = _config(name)
        built = build(
            request,
            make=lambda classes: _make(name, num_classes=classes),
            default_weights=lambda: _weights(name, show_progress=request.show_progress),
            # A backbone without a classifier gets one where the weights are random anyway.
            classes=config.num_classes or len(imagenet_categories()),
        )
        if not built.trained:
            _wake_zero_head(built.module)
        bare = name.partition(".")[0]
        return LoadedModel(
            module=built.module,
            architecture=bare,
            info=describe_model(built, name, source=self.name, architecture=f"timm {bare}"),
            categories=categories(built.classes),
            preprocessing=preprocessing(config),
            recipe_origin=_("timm's configuration of {name}").format(name=name),
        )


def categories(classes: int) -> tuple[str, ...]:
    """Return the names that timm knows for so many classes, and ``class N`` where it knows none.

    ImageNet-1k has torchvision's names, so that they do not depend on the source of a model. In
    the larger ImageNets some names stand for several classes; those get their WordNet number.
    """
    from timm import data  # noqa: PLC0415 - slow to import

    imagenet = imagenet_categories()
    subset = data.infer_imagenet_subset({"num_classes": classes})
    if classes == len(imagenet) or subset is None:
        return categories_for(classes, imagenet)
    known = data.ImageNetInfo(subset)
    names = known.label_descriptions()
    repeated = {name for name, count in Counter(names).items() if count > 1}
    return tuple(
        f"{name} ({wnid})" if name in repeated else name
        for name, wnid in zip(names, known.label_names(), strict=True)
    )


def preprocessing(config: Any) -> Preprocessing:  # noqa: ANN401 - timm's PretrainedCfg, untyped
    """Return the recipe that timm's own evaluation transform follows for a configuration."""
    from timm import data  # noqa: PLC0415 - slow to import

    recipe: dict[str, Any] = data.resolve_data_config({}, pretrained_cfg=config.to_dict())
    _, height, width = recipe["input_size"]
    mode = _MODES[recipe["crop_mode"]]
    resize = math.floor(min(height, width) / recipe["crop_pct"])
    # Squashed and letterboxed pictures have no shorter side to speak of.
    enlarged = mode == "shorter" or resize != min(height, width)
    return Preprocessing(
        resize=resize if enlarged else None,
        crop=(width, height),
        mean=tuple(recipe["mean"]),
        std=tuple(recipe["std"]),
        interpolation=recipe["interpolation"],
        mode=mode,
    )


@cache
def _names() -> dict[str, None]:
    import timm  # noqa: PLC0415 - slow to import

    return dict.fromkeys([*timm.list_models(), *timm.list_models(include_tags=True)])


def _config(name: str) -> Any:  # noqa: ANN401 - timm's PretrainedCfg, untyped
    from timm.models import PretrainedCfg, get_pretrained_cfg  # noqa: PLC0415 - slow to import

    return get_pretrained_cfg(name) or PretrainedCfg(architecture=name)


def _availability(config: Any) -> str:  # noqa: ANN401 - timm's PretrainedCfg, untyped
    if not config.has_weights:
        return "none published"
    return "download" if config.num_classes else "download, no classifier"


def _make(name: str, **options: Any) -> nn.Module:  # noqa: ANN401 - timm's own options
    import timm  # noqa: PLC0415 - slow to import

    model: nn.Module = timm.create_model(name, **options)
    return model


def _weights(name: str, *, show_progress: bool) -> tuple[dict[str, torch.Tensor], str]:
    """Return the default weights as timm itself loads them, and where they are from.

    timm converts many of them on the way, model by model, so they are read off a network that it
    has filled.
    """
    config = _config(name)
    if not config.has_weights:
        raise ModelUnavailableError(
            f"--model: no weights of timm's '{name}' have been published. Give a local checkpoint "
            f"with --checkpoint FILE, or take --weights none to try the plumbing.",
        )
    if not config.num_classes:
        raise ModelUnavailableError(
            f"--model: '{name}' has no classifier: its weights end in features, and a class "
            f"activation map needs a class. Give a checkpoint of it with a classifier with "
            f"--checkpoint FILE, or take --weights none to try the plumbing.",
        )
    origin = config.hf_hub_id or config.url
    state = _fetch(name, origin, lambda: _download(name, config, show_progress=show_progress))
    return state, f"timm {config.architecture}.{config.tag or 'default'} ({origin})"


def _fetch(
    name: str, origin: str, download: Callable[[], dict[str, torch.Tensor]]
) -> dict[str, torch.Tensor]:
    """Call ``download``, in silence, and turn whatever it raises into one message.

    The Hub's client alone raises OSError, ValueError, RuntimeError and those of two HTTP
    libraries that it may be built on, so none is left out.
    """
    try:
        with _socket_timeout(DOWNLOAD_TIMEOUT_S), _silence():
            return download()
    except Exception as error:  # noqa: BLE001 - see above
        reasons = str(error).strip().splitlines()
        raise ModelUnavailableError(
            f"--model: the weights of '{name}' could not be fetched from {origin} "
            f"({reasons[0] if reasons else type(error).__name__}).\n{_WAYS_OUT}",
        ) from None


def _download(
    name: str,
    config: Any,  # noqa: ANN401 - timm's PretrainedCfg, untyped
    *,
    show_progress: bool,
) -> dict[str, torch.Tensor]:
    from timm.models import set_pretrained_download_progress  # noqa: PLC0415 - slow to import

    if config.hf_hub_id:
        _knock(config.hf_hub_id, config.hf_hub_filename or "model.safetensors")
    set_pretrained_download_progress(enable=show_progress)
    with _hub_progress(show=show_progress):
        return _make(name, pretrained=True).state_dict()


def _knock(repository: str, file: str) -> None:
    """Fail at once where the Hub cannot be reached and the file is not in its cache.

    Its own download would try for most of a minute before it gave up.
    """
    import huggingface_hub as hub  # noqa: PLC0415 - slow to import
    from huggingface_hub.errors import EntryNotFoundError  # noqa: PLC0415

    cached = (hub.try_to_load_from_cache(repository, name) for name in (file, *_OTHER_FILES))
    if any(isinstance(path, str) for path in cached):
        return
    try:
        hub.get_hf_file_metadata(hub.hf_hub_url(repository, file), timeout=DOWNLOAD_TIMEOUT_S)
    except EntryNotFoundError:
        return  # reached, and timm knows other names for the file


@contextmanager
def _silence() -> Iterator[None]:
    """Keep warnings of the download off stderr."""
    loggers = [logging.getLogger(name) for name in _LOUD]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _hub_progress(*, show: bool) -> Iterator[None]:
    from huggingface_hub.utils.tqdm import (  # noqa: PLC0415 - slow to import
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    hidden_before = are_progress_bars_disabled()
    if not show:
        disable_progress_bars()
    try:
        yield
    finally:
        if not show and not hidden_before:
            enable_progress_bars()
