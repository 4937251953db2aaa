"""What takes a layer's output, as far as it makes the layer's maps less reliable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from reportgen.layers.survey import Survey

_PASSED_OVER = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish, nn.Identity, nn.Dropout)
"""Layers that work place by place, and so keep a grid that the next one makes."""

_NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm)


def norm_follows(name: str, survey: Survey) -> bool:
    """Say whether a BatchNorm takes the layer's output directly."""
    following = _following(name, survey)
    return bool(following) and isinstance(following[0], _NORMS)


def stride_after(name: str, survey: Survey) -> int:
    """Return the stride of the convolution or pooling that takes the layer's output, or 1."""
    for module in _following(name, survey):
        if isinstance(module, (_PASSED_OVER, _NORMS)):
            continue
        if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
            stride = module.stride
            return int(stride[0] if isinstance(stride, tuple) else stride)
        break
    return 1


def reducer_after(name: str, survey: Survey) -> tuple[str, bool, nn.Conv2d | None] | None:
    """Return what takes the layer's output and reduces it: a pooling, or a strided convolution.

    Returns
    -------
    Its name, whether a ReLU stands before it, and the module if it is a convolution; None where
    something else takes the output.
    """
    rectified = False
    for layer in survey.layers[survey.order[name] + 1 :]:
        module = survey.modules[layer.name]
        if any(module.children()):
            continue
        if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
            same = (
                layer.problem is None
                and layer.output_shape[0] == survey.layers[survey.order[name]].output_shape[0]
            )
            return (layer.name, rectified, None) if same else None
        if isinstance(module, nn.Conv2d):
            strided = max(module.stride) > 1 and module.padding_mode == "zeros"
            return (layer.name, rectified, module) if strided and layer.layout else None
        if isinstance(module, nn.ReLU | nn.ReLU6):
            rectified = True
        elif not isinstance(module, nn.Identity | nn.Dropout):
            return None
    return None


def _following(name: str, survey: Survey) -> list[nn.Module]:
    """Return the next few leaf modules in the order of execution."""
    start = survey.order[name] + 1
    modules = (survey.modules[layer.name] for layer in survey.layers[start:])
    leaves = [module for module in modules if not any(module.children())]
    return leaves[:4]
