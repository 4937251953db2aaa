"""The registry of CAM methods. To add one: a function of its own file and one line in METHODS."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from reportgen.errors import OptionError, did_you_mean
from reportgen.language import N_
from reportgen.methods.ablation_cam import ablation_cam
from reportgen.methods.eigen_cam import eigen_cam, eigen_grad_cam
from reportgen.methods.forward import ForwardContext, needs_network
from reportgen.methods.grad_cam import grad_cam
from reportgen.methods.grad_cam_elementwise import grad_cam_elementwise
from reportgen.methods.grad_cam_plus_plus import grad_cam_plus_plus
from reportgen.methods.gradient_x_activation import gradient_x_activation
from reportgen.methods.hires_cam import hires_cam
from reportgen.methods.layer_cam import layer_cam
from reportgen.methods.score_cam import score_cam
from reportgen.methods.xgrad_cam import xgrad_cam

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor

__all__ = [
    "METHODS",
    "ForwardContext",
    "Kind",
    "Method",
    "Scope",
    "choose_methods",
    "cost",
]


class Scope(Enum):
    """Which layers a method is computed at unless the user says otherwise."""

    LAST = "last"
    """The output of the last convolutional block."""
    STAGES = "stages"
    """One layer per resolution, shallow to deep."""


class Kind(Enum):
    """What a method is computed from."""

    GRADIENT = "gradient"
    """One activation and its gradient."""
    FORWARD = "forward"
    """Passes of the network over changed pictures, without any gradient."""


@dataclass(frozen=True, slots=True)
class Method:
    """One CAM method."""

    name: str
    """What ``--methods`` takes."""
    title: str
    compute: Callable[[Tensor, Tensor], Tensor]
    """(activation, gradient), both ``(N, C, H, W)`` → raw map ``(N, H, W)``; of a method without
    gradients it raises."""
    scope: Scope
    formula: str
    """One line of plain text, in English."""
    citation: str
    compute_forward: Callable[[ForwardContext], Tensor] | None = None
    """Context → raw maps ``(N, T, H, W)`` of all T targets; None for a method with gradients."""

    @property
    def kind(self) -> Kind:
        """What it is computed from."""
        return Kind.GRADIENT if self.compute_forward is None else Kind.FORWARD


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            name="grad-cam",
            title="Grad-CAM",
            compute=grad_cam,
            scope=Scope.LAST,
            formula=N_("ReLU(Σₖ wₖ·Aₖ), wₖ = mean over space of ∂yᶜ/∂Aₖ"),
            citation="Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via "
            "Gradient-based Localization, ICCV 2017, eq. 1–2",
        ),
        Method(
            name="layer-cam",
            title="Layer-CAM",
            compute=layer_cam,
            scope=Scope.STAGES,
            formula=N_("ReLU(Σₖ ReLU(∂yᶜ/∂Aₖ)·Aₖ), place by place"),
            citation="Jiang et al., LayerCAM: Exploring Hierarchical Class Activation Maps for "
            "Localization, IEEE Transactions on Image Processing 30, 2021, eq. 6–8",
        ),
        Method(
            name="grad-cam++",
            title="Grad-CAM++",
            compute=grad_cam_plus_plus,
            scope=Scope.LAST,
            formula=N_(
                "ReLU(Σₖ wₖ·Aₖ), wₖ = Σ over space of α·ReLU(g), "
                "α = g² / (2g² + g³·Σ Aₖ), g = ∂yᶜ/∂Aₖ"
            ),
            citation="Chattopadhay et al., Grad-CAM++: Generalized Gradient-based Visual "
            "Explanations for Deep Convolutional Networks, WACV 2018, eq. 7 and 19",
        ),
        Method(
            name="xgrad-cam",
            title="XGrad-CAM",
            compute=xgrad_cam,
            scope=Scope.LAST,
            formula=N_("ReLU(Σₖ wₖ·Aₖ), wₖ = Σ over space of Aₖ·∂yᶜ/∂Aₖ, divided by Σ Aₖ"),
            citation="Fu et al., Axiom-based Grad-CAM: Towards Accurate Visualization and "
            "Explanation of CNNs, BMVC 2020, sec. 3",
        ),
        Method(
            name="hires-cam",
            title="HiResCAM",
            compute=hires_cam,
            scope=Scope.LAST,
            formula=N_("ReLU(Σₖ ∂yᶜ/∂Aₖ·Aₖ), place by place"),
            citation="Draelos and Carin, Use HiResCAM instead of Grad-CAM for faithful "
            "explanations of convolutional neural networks, arXiv:2011.08891, 2020, sec. 3",
        ),
        Method(
            name="grad-cam-elementwise",
            title="Element-wise Grad-CAM",
            compute=grad_cam_elementwise,
            scope=Scope.LAST,
            formula=N_("Σₖ ReLU(∂yᶜ/∂Aₖ·Aₖ), place by place"),
            citation="Pillai and Pirsiavash, Explainable Models with Consistent Interpretations, "
            "AAAI 2021, in the form of the package grad-cam",
        ),
        Method(
            name="gradient-x-activation",
            title="Gradient × activation",
            compute=gradient_x_activation,
            scope=Scope.LAST,
            formula=N_("|Σₖ ∂yᶜ/∂Aₖ·Aₖ|, place by place: for the class or against it"),
            citation="Shrikumar et al., Not Just a Black Box: Learning Important Features Through "
            "Propagating Activation Differences, arXiv:1605.01713, 2016",
        ),
        Method(
            name="eigen-cam",
            title="Eigen-CAM",
            compute=eigen_cam,
            scope=Scope.LAST,
            formula=N_(
                "ReLU(A·v), v = first right singular vector of A (places × channels); "
                "the same for every class"
            ),
            citation="Muhammad and Yeasin, Eigen-CAM: Class Activation Map using Principal "
            "Components, IJCNN 2020",
        ),
        Method(
            name="eigen-grad-cam",
            title="Eigen-Grad-CAM",
            compute=eigen_grad_cam,
            scope=Scope.LAST,
            formula=N_(
                "ReLU(G·v), G = ∂yᶜ/∂A·A place by place, v = first right singular vector of G "
                "(places × channels)"
            ),
            citation="Muhammad and Yeasin, Eigen-CAM, IJCNN 2020, applied to gradient × "
            "activation as in the package grad-cam",
        ),
        Method(
            name="score-cam",
            title="Score-CAM",
            compute=needs_network,
            scope=Scope.LAST,
            formula=N_("ReLU(Σₖ wₖ·Aₖ), wₖ = softmax over k of yᶜ(picture · Aₖ scaled to 0–1)"),
            citation="Wang et al., Score-CAM: Score-Weighted Visual Explanations for "
            "Convolutional Neural Networks, CVPR Workshops 2020, eq. 6–10 and algorithm 1",
            compute_forward=score_cam,
        ),
        Method(
            name="ablation-cam",
            title="Ablation-CAM",
            compute=needs_network,
            scope=Scope.LAST,
            formula=N_("ReLU(Σₖ wₖ·Aₖ), wₖ = (yᶜ − yᶜ without Aₖ) / |yᶜ|"),
            citation="Desai and Ramaswamy, Ablation-CAM: Visual Explanations for Deep "
            "Convolutional Network via Gradient-free Localization, WACV 2020",
            compute_forward=ablation_cam,
        ),
    )
}
"""Name → method, in the order in which a report shows them."""


def cost(method: Method, channels: int) -> int:
    """Return how many more pictures than itself the network sees to explain one picture.

    Parameters
    ----------
    method
        Any method.
    channels
        Channels of the layer.

    Returns
    -------
    At most this many, however many targets there are; divided by the batch size it is the number
    of forward passes. 0 for a method with gradients.
    """
    return channels if method.kind is Kind.FORWARD else 0


def choose_methods(names: Iterable[str]) -> tuple[Method, ...]:
    """Return the named methods without repeats, in registry order.

    Raises
    ------
    OptionError
        If a name is unknown, or there is none.
    """
    wanted = {name.strip().casefold() for name in names if name.strip()}
    for name in sorted(wanted - METHODS.keys()):
        raise OptionError(
            f"--methods: there is no method '{name}'.{did_you_mean(name, METHODS)} "
            f"Known: {', '.join(METHODS)}.",
        )
    if not wanted:
        raise OptionError(f"--methods: name at least one of {', '.join(METHODS)}.")
    return tuple(method for method in METHODS.values() if method.name in wanted)
