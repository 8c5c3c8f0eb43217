"""encode_signal, end to end in process: sizes, kinds of picture, seeds, stops, targets, checks."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from inrcodec import decoder, metrics
from inrcodec.container import parse_file
from inrcodec.encoder import encode_signal, quality, rate, single
from inrcodec.encoder.choice import representation
from inrcodec.encoder.coding import code
from inrcodec.encoder.encode import size_budget
from inrcodec.encoder.session import Session
from inrcodec.errors import EncodeError, InrError, OptionError, RateError
from inrcodec.limits import NO_LIMITS
from inrcodec.options import EncodeOptions
from inrcodec.quantise import QuantisedTensor
from inrcodec.signals import Signal
from inrcodec.signals.signal import Metadata

REPRESENTATIONS = {
    "asmr": {"repr": "asmr"},
    "siren": {"repr": "siren"},
    "doh asmr": {"repr": "doh", "settings": {"target": "asmr"}},
    "doh siren": {"repr": "doh", "settings": {"target": "siren"}},
}


def picture(height=16, width=24, channels=3, depth=8, seed=0, metadata=None):
    """Waves and a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    planes = [
        0.5 + 0.25 * np.sin(x / 5 + channel) + 0.2 * np.cos(y / 4 - channel)
        for channel in range(channels)
    ]
    values = (np.stack(planes, axis=-1) + rng.normal(0, 0.01, (height, width, channels))).clip(0, 1)
    dtype = np.uint8 if depth == 8 else np.uint16
    samples = np.rint(values * (2**depth - 1)).astype(dtype)
    return Signal("image", samples, metadata or Metadata())


def blocks(channels, side):
    """24 x 32 samples, squares of random colours: a picture whose quality costs bytes."""
    colours = np.random.default_rng(0).integers(40, 216, (24 // side, 32 // side, channels))
    return Signal("image", np.kron(colours, np.ones((side, side, 1))).astype(np.uint8))


def encode(signal, progress=None, stop=None, **options):
    settings = {"steps": "40", **options.pop("settings", {})}
    return encode_signal(signal, EncodeOptions(settings=settings, **options), progress, stop)


@pytest.fixture
def few_trims(monkeypatch):
    """For targets of quality where the way there does not matter."""
    monkeypatch.setattr(quality, "_TRIMS", 1)


@pytest.mark.parametrize("size", [1000, 1750, 4000])
@pytest.mark.parametrize("kind", REPRESENTATIONS)
def test_size_is_filled_and_never_exceeded(kind, size):
    coded = encode(picture(32, 48), size=size, **REPRESENTATIONS[kind])
    assert 0.98 * size <= len(coded.data) <= size
    assert coded.representation == kind.split()[0]
    assert not coded.stopped
    assert coded.steps >= 40


@pytest.mark.parametrize("size", [150, 260, 420])
@pytest.mark.parametrize("kind", REPRESENTATIONS)
def test_small_sizes_are_never_exceeded(kind, size):
    """Where the smallest network is too large that is said; nothing in between."""
    try:
        coded = encode(picture(9, 11), size=size, **REPRESENTATIONS[kind])
    except RateError:
        assert size < 300
    else:
        assert len(coded.data) <= size
        assert decoder.decode(coded.data).shape == (9, 11)


@pytest.mark.parametrize(
    ("kind", "channels", "depth"),
    [
        *itertools.product(["asmr"], range(1, 5), [8, 16]),
        *[(kind, *form) for kind in list(REPRESENTATIONS)[1:] for form in [(1, 16), (4, 8)]],
    ],
)
def test_kinds_of_picture(kind, channels, depth):
    signal = picture(12, 10, channels, depth)
    coded = encode(signal, size=500, **REPRESENTATIONS[kind])
    decoded = decoder.decode(coded.data)
    assert decoded.samples.shape == signal.samples.shape
    assert decoded.samples.dtype == signal.samples.dtype
    assert metrics.psnr(signal, decoded) == pytest.approx(coded.psnr_db, abs=1e-9)
    assert coded.measures == {"psnr_db": coded.psnr_db}


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        *[("asmr", shape) for shape in [(1, 2), (2, 1), (3, 3), (31, 1)]],
        *itertools.product(REPRESENTATIONS, [(1, 1), (1, 37), (13, 29)]),
    ],
)
def test_odd_sizes(kind, shape):
    coded = encode(picture(*shape), size=400, **REPRESENTATIONS[kind])
    assert len(coded.data) <= 400
    assert decoder.decode(coded.data).shape == shape


def test_flat_picture():
    signal = Signal("image", np.full((16, 16, 3), 200, dtype=np.uint8))
    coded = encode(signal, size=400, settings={"steps": "200", "learning_rate": "0.005"})
    assert coded.psnr_db > 30


def test_quality_grows_with_steps():
    few, many = (
        encode(picture(), size=800, settings={"steps": s, "learning_rate": "0.003"})
        for s in ("30", "400")
    )
    assert many.psnr_db > few.psnr_db + 5
    assert many.psnr_db > 25


@pytest.mark.parametrize("kind", REPRESENTATIONS)
def test_seeds(kind):
    files = [encode(picture(), size=500, seed=seed, **REPRESENTATIONS[kind]) for seed in (3, 3, 4)]
    assert files[0].data == files[1].data
    assert files[0].data != files[2].data
    assert decoder.info(files[2].data)["seed"] == 4


def test_latent_from_a_fitted_target():
    """D'OH, algorithm 1: part of the steps go to the target network."""
    states = []
    settings = {"distil": "0.5", "steps": "80"}
    coded = encode(picture(), size=600, repr="doh", settings=settings, progress=states.append)
    assert len(coded.data) <= 600
    assert coded.steps >= 80
    fractions = [state.fraction for state in states]
    assert fractions == sorted(fractions)
    assert coded.data != encode(picture(), size=600, repr="doh", settings={"steps": "80"}).data


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_of_torch_are_as_before(threads):
    before = torch.get_num_threads()
    encode(picture(), size=700, threads=threads, settings={"steps": "3"})
    assert torch.get_num_threads() == before


def test_largest_seed():
    coded = encode(picture(), size=500, seed=2**64 - 1, repr="doh")
    assert decoder.info(coded.data)["projection_seed"] == 2**64 - 1


@pytest.mark.parametrize("after", [0, 7, 30, 38])
@pytest.mark.parametrize("kind", ["asmr", "doh siren"])
def test_stop_still_gives_a_file(kind, after):
    calls = itertools.count()
    options = EncodeOptions(size=700, effort=9, **REPRESENTATIONS[kind])
    coded = encode_signal(picture(), options, stop=lambda: next(calls) >= after)
    assert coded.stopped
    assert coded.steps < 1000
    assert len(coded.data) <= 700
    assert decoder.verify(coded.data)["shape"] == [16, 24]


def test_time_limit(clock):
    coded = encode(picture(), size=700, time_limit=1.0, settings={"steps": "1000000"})
    assert coded.seconds < 1.5
    assert 10 < coded.steps < 1000
    assert len(coded.data) <= 700


@pytest.mark.parametrize(
    ("options", "trials", "most"),
    [
        ({"time_limit": 1.0}, 2, 2100),
        ({"time_limit": 1.0, "settings": {"width": "12"}}, 0, 4000),
        ({"settings": {"steps": "20"}}, 0, 4000),
    ],
)
def test_networks_are_small_enough_for_a_limit_on_time(monkeypatch, clock, options, trials, most):
    tried = []

    def steps_in_time(job):
        tried.append(job.budget)
        return 0.5 * single._ENOUGH_STEPS * len(tried)

    monkeypatch.setattr(single.Job, "steps_in_time", steps_in_time)
    coded = encode_signal(picture(), EncodeOptions(size=4000, repr="siren", **options))
    assert len(tried) == trials
    assert len(coded.data) <= most


@pytest.mark.parametrize("metadata", [Metadata(), Metadata(icc=bytes(range(256)) * 12)])
def test_a_small_network_is_taken_where_there_is_no_time(monkeypatch, clock, metadata):
    monkeypatch.setattr(single.Job, "steps_in_time", lambda job: 0.0)
    options = EncodeOptions(size=8000, repr="siren", time_limit=1.0)
    coded = encode_signal(replace(picture(), metadata=metadata), options)
    weights = len(parse_file(coded.data, NO_LIMITS).segments[0].weights)
    assert 0.9 * single._LEAST_WEIGHTS < weights <= single._LEAST_WEIGHTS


def test_steps_in_a_limited_time(clock):
    limits = [EncodeOptions(size=600, time_limit=limit) for limit in (10.0, 20.0)]
    steps = [single.Job(Session(picture(), o, None, None), 600).steps_in_time() for o in limits]
    assert 10 < steps[0] < 1000
    assert 1.9 < steps[1] / steps[0] < 2.2


@pytest.mark.parametrize(
    ("channels", "side", "target", "most"), [(3, 4, 25.0, 700), (1, 2, 20.0, 350)]
)
@pytest.mark.parametrize("kind", ["asmr", "pyramid"])
def test_quality_target(kind, channels, side, target, most):
    coded = encode(blocks(channels, side), psnr=target, repr=kind, settings={"steps": "200"})
    assert target <= coded.psnr_db <= target + 0.2
    assert len(coded.data) < most


BELOW, ABOVE = (3.0, 28.0), (4.0, 32.0)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([BELOW], 4.0),  # one point: the slope that is usual
        ([(1.0, 27.0), BELOW], 5.0),  # the line through two points, within reach
        ([(2.0, 27.0), BELOW], 5.0),
        ([(2.0, 29.0), BELOW], 5.0),  # a line that does not rise is not believed
        ([ABOVE], 3.0),
        ([ABOVE, (4.5, 36.0)], 3.75),
        ([BELOW, ABOVE], 3.5),
        ([(0.0, 10.0), BELOW, ABOVE, (9.0, 50.0)], 3.5),
        ([(3.0, 29.99), ABOVE], 3.15),  # never too near to what was tried
    ],
)
def test_secant(history, expected):
    slopes, reach = (0.5, 2.0, 8.0), 2.0
    assert quality._secant(history, 30.0, slopes, reach) == pytest.approx(expected)


def test_easy_quality_takes_the_smallest_network():
    signal = Signal("image", np.full((16, 16, 1), 128, dtype=np.uint8))
    coded = encode(signal, psnr=10.0, repr="asmr")
    assert coded.psnr_db > 10
    assert len(coded.data) < 150


def test_metadata_come_on_top_of_a_quality(few_trims):
    bulk = np.random.default_rng(0).bytes(700)
    signal = picture(8, 8, 1, metadata=Metadata(icc=bulk))
    coded = encode(signal, psnr=9.0)
    assert 700 < len(coded.data) < 1100
    assert decoder.decode(coded.data).metadata == signal.metadata


def test_unreachable_quality():
    noise = np.random.default_rng(0).integers(0, 256, (12, 12, 1), dtype=np.uint8)
    with pytest.raises(RateError, match=r"90.0 dB were not reached: \d+\.\d+ dB at best"):
        encode(Signal("image", noise), psnr=90.0, repr="asmr")


def test_stopped_quality_target_gives_what_there_is():
    calls = itertools.count()
    coded = encode(picture(), stop=lambda: next(calls) >= 20, psnr=60.0)
    assert coded.stopped
    assert decoder.decode(coded.data).shape == (16, 24)


@pytest.mark.parametrize("rate", [{"size": 600}, {"psnr": 13.0}])
def test_progress(rate, few_trims):
    states = []
    coded = encode(picture(), progress=states.append, **rate)
    fractions = [state.fraction for state in states]
    assert fractions == sorted(fractions)
    assert fractions[0] > 0
    assert fractions[-1] == 1
    assert (states[-1].phase, states[-1].psnr_db) == ("done", coded.psnr_db)
    assert {"fit", "quantise", "check", "done"} == {state.phase for state in states}
    assert states[-1].size_bytes == len(coded.data)
    assert all(state.eta_s is None or state.eta_s >= 0 for state in states)


def test_fixed_levels_and_width():
    """Expert settings fix the size: as in D'OH, the same levels for every tensor."""
    coded = encode(picture(), settings={"levels": "64", "width": "8", "layers": "2"})
    facts = decoder.info(coded.data)
    assert (facts["width"], facts["layers"]) == (8, 2)
    assert 0.4 * facts["parameters"] < len(coded.data) < facts["parameters"] + 150


def test_levels_within_a_budget():
    coded = encode(picture(), size=900, settings={"levels": "16"})
    assert len(coded.data) <= 900


def test_levels_that_do_not_fit():
    with pytest.raises(RateError, match=r"takes .* bytes, the budget is 500"):
        encode(picture(), size=500, settings={"levels": "4096", "width": "40"})


@pytest.mark.parametrize("size", [1, 30, 60, 80])
@pytest.mark.parametrize("kind", REPRESENTATIONS)
def test_hopeless_budgets(kind, size):
    with pytest.raises(RateError, match=r"bytes"):
        encode(picture(), size=size, **REPRESENTATIONS[kind])


def test_metadata_count():
    bulk = np.random.default_rng(0).bytes(700)
    signal = picture(metadata=Metadata(icc=bulk, exif=b"II*\0"))
    coded = encode(signal, size=1400)
    assert 0.97 * 1400 <= len(coded.data) <= 1400
    assert decoder.decode(coded.data).metadata == signal.metadata
    with pytest.raises(RateError, match="metadata can be left out"):
        encode(signal, size=700)


def test_rates():
    signal = picture(20, 30)
    assert size_budget(signal, EncodeOptions(bpp=1.5)) == 112
    assert size_budget(signal, EncodeOptions(bpp=1e308)) >= 2**50
    assert size_budget(signal, EncodeOptions(size=77)) == 77
    assert size_budget(signal, EncodeOptions()) == 400
    large = Signal("image", np.zeros((400, 300, 1), dtype=np.uint8))
    assert size_budget(large, EncodeOptions()) == 4500


def test_bits_per_pixel():
    coded = encode(picture(), bpp=14.0)
    assert 0.95 * 672 <= len(coded.data) <= 672


def test_wrong_quantiser_is_noticed(monkeypatch):
    """A file that does not decode to what the fit had is never handed out."""
    quantise_all = rate.quantise_all

    def wrong(arrays, grids):
        tensors = quantise_all(arrays, grids)
        last = tensors[-2]
        mirrored = (last.levels - 1 - last.integers).astype(np.uint16)
        tensors[-2] = QuantisedTensor(last.levels, last.minimum, last.maximum, mirrored)
        return tensors

    monkeypatch.setattr(single, "quantise_all", wrong)
    with pytest.raises(EncodeError, match=r"the file decodes to .* dB, the fit promised .* dB"):
        encode(picture(), size=700, settings={"steps": "300"})


def test_file_is_coded_once(monkeypatch):
    """While nothing changes; other weights or grids are another file."""
    job = single.Job(Session(picture(), EncodeOptions(settings={"steps": "20"}), None, None), 600)
    job.fit_all()
    packed = []
    monkeypatch.setattr(single, "code", lambda *made: packed.append(0) or code(*made))
    assert job.size == job.size == len(job.candidate().data)
    assert len(packed) <= 1
    first = job.candidate().data
    job.settle(0.9, steps=1)
    assert job.size < len(first)
    job.model.load({name: array + 1 for name, array in job.fit.arrays().items()})
    assert job.candidate().data != first
    assert len(packed) >= 2


def test_diverging_fit_is_an_error_or_a_file():
    try:
        coded = encode(picture(), size=700, settings={"learning_rate": "1e9"})
    except InrError:
        return
    assert len(coded.data) <= 700


def test_missing_device():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(OptionError, match="CUDA"):
        encode(picture(), size=700, device="cuda")


def test_cpu_and_threads():
    coded = encode(picture(), size=500, device="cpu", threads=1)
    assert coded.data == encode(picture(), size=500, threads=1).data


def test_auto_is_a_representation():
    coded = encode(picture(), size=500)
    assert decoder.info(coded.data)["repr"] == coded.representation


@pytest.mark.parametrize(
    ("options", "side", "budget", "chosen"),
    [
        ({}, 64, 20_000, "pyramid"),
        ({}, 64, 700, "asmr"),
        ({"effort": 8}, 64, 20_000, "grids"),
        ({"effort": 8}, 64, 9_000, "pyramid"),
        ({"effort": 8}, 64, None, "pyramid"),
        ({"effort": 8}, 1025, 20_000, "pyramid"),
        ({"effort": 9, "time_limit": 60}, 64, 20_000, "pyramid"),
        ({"effort": 8, "settings": {"stages": "1"}}, 64, 20_000, "pyramid"),
        ({"effort": 8, "settings": {"batch": "64"}}, 64, 20_000, "asmr"),
    ],
)
def test_auto_for_pictures(options, side, budget, chosen):
    assert representation(picture(side, side), EncodeOptions(**options), budget) == chosen
