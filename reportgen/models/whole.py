"""A whole network out of a checkpoint: ready to explain, with all that it says of itself."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from reportgen.errors import CheckpointError
from reportgen.language import N_, _
from reportgen.models import embedded, timm_source, torchvision_source
from reportgen.models.identify import identify
from reportgen.models.outline import without_weights
from reportgen.models.probe import assumed_recipe, probe
from reportgen.models.repair import repair
from reportgen.models.source import Built, LoadedModel, ModelRequest, describe_model

if TYPE_CHECKING:
    from torch import nn

    from reportgen.models.checkpoint import Checkpoint
    from reportgen.values import Preprocessing

SOURCE = "checkpoint"
ASSUMED = N_("assumed: the checkpoint does not say")


def load_whole(contents: Checkpoint, request: ModelRequest) -> LoadedModel:
    """Make the network of a checkpoint ready, as its file has it but for what time has changed.

    Raises
    ------
    CheckpointError
        If it is another network than ``--model`` says, or no classifier of RGB pictures.
    """
    assert contents.module is not None  # noqa: S101 - the caller's choice of this function
    module = contents.module
    repair(module)  # so that it can be looked at
    name, recipe, origin = _recognise(module)
    _check_name(request, name, module, contents)
    repair(module, _donor(module, name))
    module = module.float().eval()
    side = recipe.crop[0] if recipe is not None and recipe.crop is not None else None
    probed = probe(module, f"--checkpoint: the network in '{contents.path}'", CheckpointError, side)
    if recipe is None or probed.side != side:
        recipe, origin = assumed_recipe(probed.side), _(ASSUMED)
    built = Built(
        module, f"checkpoint {contents.path.name} (whole module)", probed.classes, trained=True
    )
    kind = type(module)
    info = describe_model(
        built, name, source=SOURCE, architecture=f"{kind.__module__}.{kind.__qualname__}"
    )
    return LoadedModel(
        module=module,
        architecture=name,
        info=info,
        categories=(),
        preprocessing=recipe,
        recipe_origin=origin,
    )


def _recognise(module: nn.Module) -> tuple[str, Preprocessing | None, str]:
    """Return the architecture's name, and its recipe with where that is from if it is known."""
    if type(module).__module__.startswith("timm."):
        name = _timm_name(module)
        recipe = _timm_recipe(module)
        return name, recipe, f"timm's configuration of {name}" if recipe is not None else ""
    # A twin with the same weights but other layers would be another network.
    known = identify(module.state_dict(), head_replaced=True)
    if known is not None and known != embedded.NAME:
        recipe = torchvision_source.recipe(known)
        return known, recipe, _("torchvision {name}'s default weights").format(name=known)
    return type(module).__name__.lower(), None, ""


def _timm_name(module: nn.Module) -> str:
    configuration = _timm_configuration(module)
    name = configuration.get("architecture")
    return str(name) if name else type(module).__name__.lower()


def _timm_configuration(module: nn.Module) -> dict[str, Any]:
    found = vars(module).get("pretrained_cfg", vars(module).get("default_cfg"))
    return found if isinstance(found, dict) else {}


def _timm_recipe(module: nn.Module) -> Preprocessing | None:
    from timm.models import PretrainedCfg  # noqa: PLC0415 - slow to import

    found = _timm_configuration(module)
    known = {field.name for field in fields(PretrainedCfg)}
    if not found:
        return None
    try:
        return timm_source.preprocessing(
            PretrainedCfg(**{key: value for key, value in found.items() if key in known})
        )
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None  # the file may say anything there


def _donor(module: nn.Module, name: str) -> nn.Module | None:
    """Return the same network as the installed torchvision builds it, if it builds it."""
    if name not in torchvision_source.TorchvisionSource().names():
        return None
    donor = without_weights(lambda: torchvision_source.make(name, 1000))
    return donor if type(donor) is type(module) else None


def _check_name(request: ModelRequest, name: str, module: nn.Module, contents: Checkpoint) -> None:
    if request.name is None:
        return
    asked = request.name.rpartition(":")[2].partition(".")[0]  # timm's tags say nothing here
    if asked == name or (asked == embedded.NAME and name == embedded.TIMM_NAME):
        return
    raise CheckpointError(
        f"--checkpoint: '{contents.path}' holds a whole {type(module).__name__} ({name}), but "
        f"--model says {request.name}. Leave --model out: the file says what the network is.",
    )
