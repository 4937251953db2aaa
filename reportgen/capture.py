"""Hold a network's activations and their gradients for a while, and leave no trace."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


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
    call. Of a tuple, list or dict the first tensor that ``is_map`` accepts is taken.

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
        self.activations: dict[str, Tensor] = {}
        """Layer name → its output as the layer gave it, connected to the logits."""

    def __enter__(self) -> Self:
        modules = dict(self._model.named_modules())
        for name in self._layers:
            self._handles.append(modules[name].register_forward_hook(self._hook(name)))
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

    def _hook(self, name: str) -> Callable[[nn.Module, Any, Any], Any]:
        def keep(_module: nn.Module, _inputs: Any, output: Any) -> Any:  # noqa: ANN401 - torch's
            kept, returned = self._split(output)
            if kept is not None:
                self.activations.pop(name, None)  # a later call moves to the end of the order
                self.activations[name] = kept
            return returned

        return keep

    def _split(self, output: Any) -> tuple[Tensor | None, Any]:  # noqa: ANN401 - any structure
        """Return the tensor to keep and the same structure with a clone in its place."""
        if isinstance(output, Tensor):
            if not self._is_map(output):
                return None, output
            kept = output if output.requires_grad else output.detach().requires_grad_()
            return kept, kept.clone()
        if isinstance(output, dict):
            for key, value in output.items():
                found, returned = self._split(value)
                if found is not None:
                    return found, {**output, key: returned}
        if isinstance(output, tuple | list):
            for position, value in enumerate(output):
                found, returned = self._split(value)
                if found is not None:
                    items = [*output[:position], returned, *output[position + 1 :]]
                    return found, _like(output, items)
        return None, output


def _like(original: tuple[Any, ...] | list[Any], items: list[Any]) -> Any:  # noqa: ANN401
    """Return ``items`` in a container of the same type, named tuples included."""
    if hasattr(original, "_fields"):
        return type(original)(*items)
    return type(original)(items)


def logits_of(output: Any) -> Tensor:  # noqa: ANN401 - whatever the network returns
    """Return the ``(batch, classes)`` logits from a network's output.

    A tensor is taken as it is; of an object with ``logits`` that field; of a dict its
    ``logits`` or first value; of a tuple or list the first item.

    Raises
    ------
    TypeError
        If there is no two-dimensional tensor to be found.
    """
    if hasattr(output, "logits"):
        output = output.logits
    elif isinstance(output, dict):
        output = output.get("logits", next(iter(output.values()), None))
    elif isinstance(output, tuple | list) and output:
        output = output[0]
    if isinstance(output, Tensor) and output.ndim == 2:  # noqa: PLR2004 - batch and classes
        return output
    found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    raise TypeError(f"the network's output should be logits of shape (batch, classes), not {found}")
