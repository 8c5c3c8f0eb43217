"""How a network is fitted where no setting says otherwise: its samples, batches and rates."""

import math

import numpy as np
import torch

from inrcodec.encoder.partition_samples import PartitionSamples
from inrcodec.encoder.samples import Samples
from inrcodec.nets import Asmr, LocalGlobal, Net

# Rows of the network in one step: cells (of 16 samples in a photograph), or single samples.
_BATCH_CELLS, _BATCH_SAMPLES = 2048, 4096
# Samples of one step, of all partitions together: each sees few of them. 256x256 of Kodak 04, 64
# partitions, 400 steps: 37.6 dB with 2^14, 39.6 with 2^16, which takes three times as long.
_BATCH_PARTITIONS = 2**14
_LEARNING_RATE = 1e-3
# A mask's error ends at 0 and 1, and its gradients with it: fits drift away at the usual rate.
_MASK_RATE = 6e-4
# Of partitions of a sound, and of pictures and more. At 2e-3 a sound's fit explains nothing; Kodak
# 04 at 2 bits per pixel, 1,500 steps: 36.0 dB at 1.5e-3, 35.8 at 2.5e-3, 29.7 at 5e-3.
_SOUND_PARTITION_RATE, _PARTITION_RATE = 1e-3, 2e-3


def samples_of(
    net: Net, values: np.ndarray, device: torch.device, binary: bool
) -> Samples | PartitionSamples:
    """A signal's values, (*grid, C) float32 in 0..1, as rows of a network."""
    if isinstance(net, LocalGlobal):
        return PartitionSamples(values, net, device, binary)
    return Samples(values, net, net.heads()[-1], device, binary)


def usual_batch(net: Net) -> int:
    """Rows of one step."""
    if isinstance(net, LocalGlobal):
        return max(1, _BATCH_PARTITIONS // math.prod(net.partitions))
    return _BATCH_CELLS if isinstance(net, Asmr) else _BATCH_SAMPLES


def usual_rate(net: Net, binary: bool) -> float:
    """Learning rate for a signal, or for a mask."""
    if binary:
        return _MASK_RATE
    if not isinstance(net, LocalGlobal):
        return _LEARNING_RATE
    return _PARTITION_RATE if len(net.shape) > 1 else _SOUND_PARTITION_RATE
