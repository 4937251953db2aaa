"""Hold a network's activations and their gradients for a while, and leave no trace."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Path = tuple[Any, ...]
"""Indices, keys and field names that lead to a tensor in a structure."""

LOGITS = ("logits", "out", "output", "outputs", "pred", "preds", "prediction", "predictions")
"""What networks call their logits."""


@contextmanager
def quiet_mode(model: nn.Module) -> Iterator[None]:
    """Put ``model`` in evaluation mode without parameter gradients; restore both afterwards.

    Every module gets back the mode it had itself, not its parent's: a network may well be
    training with some of its layers frozen.
    """
    modes = [(module, module.training) for module in model.modules()]
    wanted = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        model.eval()
        for parameter in wanted:
            parameter.requires_grad_(False)  # noqa: FBT003 - torch's signature
        yield
    finally:
        for module, mode in modes:
            module.training = mode
        for parameter in wanted:
            parameter.requires_grad_(True)  # noqa: FBT003 - torch's signature


class Capture:
    """Keep the outputs of named layers during one forward pass, for one or more backwards.

    Use as a context manager around the forward and the calls of `gradients`; the hooks are gone
    when it ends. Two traps of the usual hook are avoided:

    - What is returned to the network is a *clone* of what is kept, so a ReLU that works in place
      after a convolution cannot overwrite the convolution's saved activation.
    - Outputs and gradients are paired by layer name, never by the order in which hooks fire.

    The graph begins at the first captured layer: nothing before it needs a gradient, so nothing
    before it is kept. A layer that is called several times in one pass is captured at its last
    call. Of a tuple, list, dict or dataclass one tensor is taken, see `_choose`.

    Parameters
    ----------
    model
        The network, in evaluation mode (see `quiet_mode`).
    layers
        Names as in ``model.named_modules()``.
    is_map
        Which tensors of a structured output count; by default the first floating-point one.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Iterable[str],
        is_map: Callable[[Tensor], bool] = torch.is_floating_point,
    ) -> None:
        self._model = model
        self._layers = tuple(layers)
        self._is_map = is_map
        self._handles: list[torch.utils.hooks.RemovableHandle] = []
        self._batch: int | None = None
        self.activations: dict[str, Tensor] = {}
        """Layer name → its output as the layer gave it, connected to the logits."""

    def __enter__(self) -> Self:
        modules = dict(self._model.named_modules())
        self._handles.append(
            self._model.register_forward_pre_hook(self._note_batch, with_kwargs=True)
        )
        for name in self._layers:
            hook = modules[name].register_forward_hook(self._hook(name), with_kwargs=True)
            self._handles.append(hook)
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self.activations.clear()

    def gradients(self, score: Tensor, *, keep_graph: bool) -> dict[str, Tensor]:
        """Return d score / d activation for every captured layer, from one backward pass.

        Parameters
        ----------
        score
            A scalar: the sum over the batch of each picture's target logit. Pictures do not
            influence each other in evaluation mode, so the sum's gradient at picture *i* is the
            gradient of its own logit.
        keep_graph
            Whether another backward pass follows.

        Returns
        -------
        Layer name → tensor of the activation's shape and dtype; zeros where the layer has no
        influence on the score.
        """
        names = tuple(self.activations)
        if not score.requires_grad:  # none of the layers has any influence on it
            return {name: torch.zeros_like(self.activations[name]) for name in names}
        found = torch.autograd.grad(
            score,
            [self.activations[name] for name in names],
            retain_graph=keep_graph,
            allow_unused=True,
        )
        return {
            name: torch.zeros_like(self.activations[name]) if gradient is None else gradient
            for name, gradient in zip(names, found, strict=True)
        }

    def _note_batch(self, _model: nn.Module, args: Any, kwargs: Any) -> None:  # noqa: ANN401 - torch's
        given = next((tensor for _, tensor in tensors_in((args, kwargs)) if tensor.ndim), None)
        self._batch = None if given is None else given.shape[0]

    def _hook(self, name: str) -> Callable[[nn.Module, Any, Any, Any], Any]:
        def keep(module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:  # noqa: ANN401 - torch's
            passed = {id(tensor) for _, tensor in tensors_in((args, kwargs))}
            if getattr(module, "inplace", False):
                passed = set()  # what it gives is its input, but not as it was
            chosen = self._choose(output, passed)
            if chosen is None:
                return output
            path, tensor = chosen
            kept = tensor if tensor.requires_grad else tensor.detach().requires_grad_()
            if kept is tensor and id(tensor) in passed:
                # A layer that returns its input: others may use that too, past this layer.
                kept = tensor.clone()
            self.activations.pop(name, None)  # a later call moves to the end of the order
            self.activations[name] = kept
            return _replaced(output, path, kept.clone())

        return keep

    def _choose(self, output: Any, passed: set[int]) -> tuple[Path, Tensor] | None:  # noqa: ANN401 - any structure
        """Return the tensor of a layer's output to keep, with the way to it.

        Of several, one that has the picture's batch size (others hold windows or patches in its
        place), that the layer did not just pass on, and that can be a grid, in this order; of
        several of those the first.
        """
        found = [(path, tensor) for path, tensor in tensors_in(output) if self._is_map(tensor)]

        def merit(item: tuple[Path, Tensor]) -> tuple[bool, bool, bool]:
            tensor = item[1]
            grid_like = tensor.ndim > 2  # noqa: PLR2004 - batch, channels and at least one more
            return tensor.shape[:1] == (self._batch,), id(tensor) not in passed, grid_like

        return max(found, key=merit, default=None)


def tensors_in(output: Any) -> Iterator[tuple[Path, Tensor]]:  # noqa: ANN401 - any structure
    """Yield every tensor of nested tuples, lists, dicts and dataclasses with the way to it."""
    if isinstance(output, Tensor):
        yield (), output
        return
    for key, value in _items(output):
        for path, tensor in tensors_in(value):
            yield (key, *path), tensor


def _items(output: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - any structure
    if isinstance(output, Mapping):
        yield from output.items()
    elif isinstance(output, tuple | list):
        yield from enumerate(output)
    elif is_dataclass(output) and not isinstance(output, type):
        for field in fields(output):
            yield field.name, getattr(output, field.name, None)


def _replaced(output: Any, path: Path, tensor: Tensor) -> Any:  # noqa: ANN401 - any structure
    """Return the same structure with ``tensor`` at the end of ``path``; ``output`` stays."""
    if not path:
        return tensor
    key, *rest = path
    if isinstance(output, tuple | list):
        items = list(output)
        items[key] = _replaced(items[key], tuple(rest), tensor)
        # A named tuple takes its items one by one.
        return type(output)(*items) if hasattr(output, "_fields") else type(output)(items)
    changed = copy(output)
    if isinstance(output, Mapping):
        changed[key] = _replaced(output[key], tuple(rest), tensor)
    else:  # past a frozen dataclass's own __setattr__
        object.__setattr__(changed, key, _replaced(getattr(output, key), tuple(rest), tensor))
    return changed


def logits_of(output: Any) -> Tensor:  # noqa: ANN401 - whatever the network returns
    """Return the ``(batch, classes)`` logits from a network's output.

    A tensor is taken as it is, without trailing sides of one pixel. Of an object, a dict or a
    named tuple: what is called ``logits``, ``out`` or the like; failing that, of any structure
    the first two-dimensional floating-point tensor, however deep.

    Raises
    ------
    TypeError
        If there is no such tensor.
    """
    logits = _find_logits(output)
    if logits is not None:
        return logits
    found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    raise TypeError(f"the network's output should be logits of shape (batch, classes), not {found}")


def _find_logits(output: Any) -> Tensor | None:  # noqa: ANN401 - whatever the network returns
    if isinstance(output, Tensor):
        while output.ndim > 2 and output.shape[-1] == 1:  # noqa: PLR2004 - batch and classes
            output = output.squeeze(-1)
        return output if output.ndim == 2 and output.is_floating_point() else None  # noqa: PLR2004
    for name in LOGITS:
        by_key = isinstance(output, Mapping) and name in output
        value = output[name] if by_key else getattr(output, name, None)
        logits = None if value is None or callable(value) else _find_logits(value)
        if logits is not None:
            return logits
    values = (value for _, value in _items(output))
    return next(filter(_is_found, map(_find_logits, values)), None)


def _is_found(tensor: Tensor | None) -> bool:
    return tensor is not None
