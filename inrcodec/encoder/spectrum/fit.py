"""The fit of one segment of a spectrum: latents and contexts, towards a size or a quality.

The transform is orthonormal, so that the error is that of the coefficients and no synthesis is
needed to know it.
"""

import math

import numpy as np
import torch
from torch import Tensor

from inrcodec.encoder.latent_fit import LatentFit, Weights
from inrcodec.encoder.rate import Grid
from inrcodec.encoder.spectrum.context import ContextModel
from inrcodec.nets.spectrum import Spectrum, frame_parts

# Of the frame's numbers, fine enough for 16 bits: multiples of 2^-12 are exact.
FRAME_GRID = Grid((1 << 14) + 1, -2.0, 2.0)


class SpectrumFit(LatentFit):
    """One fit of a segment's coefficients.

    `coefficients`: (C, F, hop) float32 in the channel axes, full scale 1; `axes`: (C, C);
    `least_step`: no finer steps are of use.
    """

    def __init__(
        self,
        net: Spectrum,
        coefficients: np.ndarray,
        axes: np.ndarray,
        step: float,
        least_step: float,
        seed: int,
        device: torch.device,
    ) -> None:
        self.net = net
        self._context_model = ContextModel(net, device)
        self._target = torch.from_numpy(coefficients).to(device)
        self._log_step = math.log2(step)
        weights = _first_weights(net, axes, step, device)
        super().__init__(
            latents=self._target / step,
            weights=weights,
            contexts=[name for name in weights if name != "frame"],
            rates={},
            least_step=least_step,
            samples=coefficients.size,
            generator=torch.Generator().manual_seed(seed % 2**63),
        )

    @property
    def step(self) -> float:
        """The step of the latents."""
        return float(2**self._log_step)

    def _multiply_steps(self, octaves: float) -> None:
        self._log_step += octaves

    def _log_scales(self, weights: Weights, values: Tensor) -> Tensor:
        return self._context_model.log_scales(weights, values.abs())

    def _error(self, weights: Weights, values: Tensor) -> Tensor:
        return (values * self.step - self._target).square().sum()

    def wanted(self) -> Tensor:
        """The coefficients in steps."""
        return self._target / self.step

    @torch.no_grad()
    def restart_at(self, step: float) -> None:
        """Begin again with the rounded coefficients at another step; contexts stay."""
        self._log_step = math.log2(max(step, self._least_step))
        self.latents.copy_(self.wanted())

    @torch.no_grad()
    def finish_frame(self) -> None:
        """Write the step, and how much nearer to zero latents lie than their integers say, into
        the frame, and choose its grid."""
        frame, c = self.weights["frame"], self.net.channels
        frame[c * c] = self._log_step / 16
        sizes = self.latents.round().abs()
        excess = sizes - self._target.abs() / self.step
        for place, chosen in enumerate((sizes == 1, sizes > 1)):
            count = int(chosen.sum())
            mean = float((excess * chosen).sum()) / count if count else 0.0
            frame[c * c + 1 + place] = min(max(mean, 0.0), 0.3)
        assert self.grids is not None
        self._round_to(self.grids, frame=FRAME_GRID)
        held = self.held()["frame"].cpu().numpy()
        self._log_step = float(frame_parts(self.net, held)[1])

    def integers(self) -> np.ndarray:
        """Latents, int32 (C, F, hop), as the file would hold them."""
        return self._integers().numpy()


def _first_weights(
    net: Spectrum, axes: np.ndarray, step: float, device: torch.device
) -> dict[str, Tensor]:
    """Leaves in file order. The frame does not learn; the rest of it follows at the end."""
    weights = {}
    for spec in net.tensors():
        values = torch.full(spec.shape, spec.start)
        if spec.name == "frame":
            frame = np.concatenate([axes.ravel(), [math.log2(step) / 16, 0.0, 0.0]])
            values = torch.from_numpy(frame.astype(np.float32))
        weights[spec.name] = values.to(device).requires_grad_(spec.name != "frame")
    return weights
