"""Muon for convolutions, Adam for the rest.

Muon (Jordan and others, 2024) replaces the momentum of a weight matrix by the nearest matrix with orthonormal rows or columns: all
directions move equally far, also those that small batches hardly excite.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration: singular values from (0, 1] to about 1."""
ADAM_LIKE_SIZE = 0.2
"""Root of the mean square of an update in units of the learning rate, about as large as Adam's."""


def orthogonalize(matrix: Tensor, steps: int = 5) -> Tensor:
    """The matrix with all singular values brought to about 1; those below a thousandth of the greatest stay smaller.

    Each step of the iteration multiplies from the left by a polynomial of the Gram matrix. As these all commute they are multiplied with each other
    first, and once with the matrix, which has many more columns than rows. In f32: squares of small singular values need it, and a CPU without
    bfloat16 takes 20 times as long with it.
    """
    a, b, c = NEWTON_SCHULZ
    x = matrix.float()
    is_tall = x.shape[0] > x.shape[1]
    if is_tall:
        x = x.T
    x = x / (x.norm() + 1e-7)
    gram = x @ x.T
    whole = torch.eye(len(gram), device=gram.device)
    for _ in range(steps):
        factor = b * gram + c * gram @ gram
        factor.diagonal().add_(a)
        whole = factor @ whole
        gram = factor @ gram @ factor
    x = whole @ x
    return (x.T if is_tall else x).to(matrix.dtype)


class MuonAdam(Optimizer):
    """Muon for the groups with `muon` set, Adam for the others. Groups hold `lr` and `betas`; Muon uses betas[0] only."""

    def __init__(self, groups: list[dict[str, Any]], epsilon: float = 1e-8) -> None:
        super().__init__(groups, {"lr": 1e-3, "betas": (0.9, 0.99), "muon": False, "epsilon": epsilon})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # noqa: ARG002 (the base class's signature)
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if not parameters:
                continue
            for parameter in parameters:
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                    if not group["muon"]:
                        state["square"] = torch.zeros_like(parameter)
                        state["steps"] = 0
            (self._muon if group["muon"] else self._adam)(group, parameters)

    def _muon(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        beta = group["betas"][0]
        for parameter in parameters:
            momentum = self.state[parameter]["momentum"].lerp_(parameter.grad, 1 - beta)
            outputs = parameter.shape[-4]  # (out, in, k, k), or with a leading 1
            update = parameter.grad.lerp(momentum, beta).reshape(outputs, -1)
            size = ADAM_LIKE_SIZE * max(update.shape) ** 0.5
            parameter.add_(orthogonalize(update).reshape(parameter.shape), alpha=-group["lr"] * size)

    def _adam(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        beta1, beta2 = group["betas"]
        gradients = [parameter.grad for parameter in parameters]
        momenta = [self.state[parameter]["momentum"] for parameter in parameters]
        squares = [self.state[parameter]["square"] for parameter in parameters]
        for parameter in parameters:
            self.state[parameter]["steps"] += 1
        # Not all are moved by every loss.
        steps = [self.state[parameter]["steps"] for parameter in parameters]
        torch._foreach_lerp_(momenta, gradients, 1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        deviations = torch._foreach_div(squares, [1 - beta2**step for step in steps])
        torch._foreach_sqrt_(deviations)
        torch._foreach_add_(deviations, group["epsilon"])
        torch._foreach_addcdiv_(parameters, momenta, deviations, [-group["lr"] / (1 - beta1**step) for step in steps])


def make_optimizer(
    networks: Iterable[nn.Module], kind: str, rate: float, adam_rate: float, betas: tuple[float, float]
) -> MuonAdam:
    """An optimiser for all parameters of `networks`. `kind` is `muon` or `adam`; `rate` is Muon's, `adam_rate` Adam's.

    Muon takes the convolutions between feature maps. Those from and to RGB, biases, linear layers and the constant input, whose
    elements have meanings of their own, are Adam's.
    """
    muon, adam = [], []
    for network in networks:
        for name, parameter in network.named_parameters():
            is_conv = parameter.dim() >= 4 and "rgb" not in name and not name.endswith("input.input")
            (muon if kind == "muon" and is_conv else adam).append(parameter)
    groups: list[dict[str, Any]] = []
    for parameters, group_rate, is_muon in ((muon, rate, True), (adam, adam_rate, False)):
        if parameters:
            groups.append({"params": parameters, "lr": group_rate, "rate": group_rate, "betas": betas, "muon": is_muon})
    return MuonAdam(groups)
