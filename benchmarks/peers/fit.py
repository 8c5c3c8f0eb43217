"""One fit of a peer as the ASMR paper does it: Adam from the network's rate to 1e-6 as a cosine,
mean squared error, no quantisation; the best PSNR of all steps, predictions clamped. Of a fit of
batches the PSNR is that of the last step, when the rate is next to nothing.
"""

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmarks.peers.base import Peer
from benchmarks.peers.tasks import Item
from inrcodec import metrics
from inrcodec.allocator import keep_pages

_LAST_RATE = 1e-6
_LATENCY_SECONDS = 2.0  # in which evaluations are repeated


@dataclass
class Outcome:
    """What came of a fit; `iou` only of masks, `ssim` only of pictures and films."""

    psnr_db: float
    iou: float | None
    ssim: float | None
    seconds: float


class Problem:
    """A signal on a device, row by row as a network takes them."""

    def __init__(self, peer: Peer, item: Item, device: torch.device) -> None:
        self.peer, self.item, self.device = peer.to(device), item, device
        values = torch.from_numpy(item.values).reshape(-1, item.values.shape[-1])
        self.values = values.to(device)

    def targets(self, rows: Tensor) -> Tensor:
        """Samples of rows: (n, block, C)."""
        return self.values[self.peer.samples(rows)]

    def psnr(self, predicted: Tensor, target: Tensor) -> float:
        """PSNR over the range of what can be sampled; padding counts as its nearest samples."""
        item = self.item
        error = (predicted.detach().clamp(item.low, item.high) - target).square().mean().item()
        peak = item.high - item.low
        return 10 * math.log10(peak**2 / max(error, 1e-20))


def fit(
    peer: Peer,
    item: Item,
    steps: int,
    learning_rate: float,
    batch: int | None = None,
    device: str = "cpu",
    seed: int = 0,
) -> Outcome:
    """Fit a network to a signal with the rows of `batch` samples a step, or with all rows."""
    keep_pages()
    batch = None if batch is None else max(batch // peer.block, 1)
    problem = Problem(peer, item, torch.device(device))
    whole = batch is None or batch >= peer.rows
    optimiser = torch.optim.Adam(peer.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, eta_min=_LAST_RATE)
    generator = torch.Generator().manual_seed(seed)
    rows = every = torch.arange(peer.rows, device=problem.device)
    inputs, target = peer.inputs(rows) if whole else (), problem.targets(rows) if whole else None
    best, started = -math.inf, time.perf_counter()
    for _ in range(steps):
        if not whole:
            assert batch is not None
            rows = torch.randint(peer.rows, (batch,), generator=generator).to(problem.device)
            inputs, target = peer.inputs(rows), problem.targets(rows)
        assert target is not None
        predicted = peer(*inputs)
        loss = (predicted - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if whole:
            best = max(best, problem.psnr(predicted, target))
    seconds = time.perf_counter() - started
    last = evaluated(peer, problem.device), problem.targets(every)
    best = max(best, problem.psnr(*last))
    overlap = iou(*last) if item.mask else None
    alike = None if item.mask else ssim(peer, item, last[0])
    return Outcome(best, overlap, alike, seconds)


@torch.no_grad()
def evaluated(peer: Peer, device: torch.device) -> Tensor:
    """Predictions of all rows, (rows, block, C); coordinates are found on the way."""
    parts = torch.arange(peer.rows, device=device).split(peer.chunk)
    return torch.cat([peer(*peer.inputs(part)) for part in parts])


def ssim(peer: Peer, item: Item, predicted: Tensor) -> float | None:
    """SSIM of a picture at 8 bits, of a film the mean of its frames, None of sound.

    Grids are those of the papers, without padding.
    """
    if len(peer.shape) == 1:
        return None
    places = peer.samples(torch.arange(peer.rows, device=predicted.device)).reshape(-1).cpu()
    values = np.empty((math.prod(peer.shape), peer.channels), np.float32)
    values[places.numpy()] = predicted.reshape(-1, peer.channels).cpu().numpy()
    frames = (-1, *peer.shape[-2:], peer.channels)
    pairs = zip(_bytes(item.values).reshape(frames), _bytes(values).reshape(frames), strict=True)
    found = [metrics.ssim(frame, other) for frame, other in pairs]
    return None if None in found else float(np.mean(np.array(found, float)))


def _bytes(values: np.ndarray) -> np.ndarray:
    rounded: np.ndarray = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return rounded


def iou(predicted: Tensor, target: Tensor) -> float:
    """Intersection over union of what is above a half, in percent."""
    inside, wanted = predicted > 0.5, target > 0.5
    either = (inside | wanted).sum().item()
    return 100 * (inside & wanted).sum().item() / either if either else 100.0


def latency(peer: Peer, device: str) -> float:
    """Milliseconds to evaluate the whole grid, coordinates included: the least of some runs."""
    peer, best, since = peer.to(device), math.inf, time.perf_counter()
    while time.perf_counter() - since < _LATENCY_SECONDS:
        started = time.perf_counter()
        evaluated(peer, torch.device(device)).sum().item()
        best = min(best, time.perf_counter() - started)
    return best * 1000
