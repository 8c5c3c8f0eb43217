"""From a budget to a network."""

import math

import pytest

from inrcodec.encoder.plan import Plan, bases_of_sound, plan, planned_bases
from inrcodec.errors import OptionError, RateError
from inrcodec.nets import Asmr, Siren
from inrcodec.options import EncodeOptions
from inrcodec.weights.storage import Direct, Projected

KINDS = ["asmr", "siren", "doh"]


def made(budget, kind="asmr", shape=(512, 768), seed=0, **settings):
    texts = {key: str(value) for key, value in settings.items()}
    options = EncodeOptions(repr=kind, seed=seed, settings=texts)
    return plan((shape, 3), options, kind, budget)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("budget", [300, 1000, 4000, 14745, 50000])
def test_network_fits_the_budget(kind, budget):
    for bits in (4.0, 6.0):
        planned = made(budget, kind, bits=bits)
        assert 0.75 * budget <= planned.estimated_bytes(bits) <= budget


@pytest.mark.parametrize("kind", KINDS)
def test_larger_budgets_store_more(kind):
    numbers = [made(budget, kind).numbers for budget in (300, 1000, 3000, 10000, 30000)]
    assert numbers == sorted(set(numbers))


def test_kinds_of_plan():
    assert isinstance(made(3000, "siren").net, Siren)
    assert isinstance(made(3000, "asmr").net, Asmr)
    assert isinstance(made(3000, "asmr").storage, Direct)
    projected = made(3000, "doh", seed=9)
    assert isinstance(projected.net, Asmr)
    assert projected.storage.projection.seed == 9
    assert isinstance(made(3000, "doh", target="siren").net, Siren)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 1), (3, 3), (5, 4), (17, 1)])
def test_tiny_pictures(kind, shape):
    net = made(400, kind, shape).net
    assert net.shape == shape
    for head in net.heads():
        pairs = zip(net.rows(head), net.block(head), shape, strict=True)
        assert all(rows * block >= size for rows, block, size in pairs)


@pytest.mark.parametrize("layers", [1, 2, 5])
@pytest.mark.parametrize("shape", [(1, 1), (3, 100), (512, 768), (7, 13)])
def test_planned_bases_cover_the_picture(shape, layers):
    bases = planned_bases(shape, layers, 4)
    assert len(bases) == layers + 1
    padded = [math.prod(axis) for axis in zip(*bases, strict=True)]
    assert all(n <= p < n + 4 for n, p in zip(shape, padded, strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("budget", [0, 10, 25])
def test_hopeless_budgets(kind, budget):
    with pytest.raises(RateError, match="too few"):
        made(budget, kind, (24, 16))


def test_hopeless_width():
    with pytest.raises(RateError, match="biases of a D'OH network"):
        made(300, "doh", width=200)


@pytest.mark.parametrize("kind", KINDS)
def test_least_budget_is_told_right(kind):
    """A budget of what the message names is enough."""
    with pytest.raises(RateError) as error:
        made(20, kind, (24, 16))
    numbers = [int(word) for word in str(error.value).split() if word.isdigit()]
    if len(numbers) > 1 and kind != "doh":
        made(numbers[-1], kind, (24, 16))


def test_settings_of_the_network():
    settings = {"width": 20, "layers": 3, "w0": 11, "w0_hidden": 12, "frequencies": 4}
    net = made(5000, "siren", **settings).net
    assert net == Siren((512, 768), 3, 20, 3, w0_first=11, w0_hidden=12, frequencies=4)
    net = made(5000, "asmr", **settings, w0_modulator=5, cell=8).net
    assert (net.width, net.layers, net.w0_modulator) == (20, 3, 5)
    assert net.bases == ((64, 96), (1, 1), (1, 1), (8, 8))


def test_bases_setting():
    net = made(5000, bases="4,4,4,8/4,4,6,8").net
    assert net.bases == ((4, 4), (4, 4), (4, 6), (8, 8))
    assert Plan(net, Direct()).estimated_bytes(5) <= 5000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4,4", "every axis needs"),
        ("4,4/4,4/4,4", "every axis needs"),
        ("4,4/4", "every axis needs"),
        ("512/768", "every axis needs"),
        ("512,0/768,1", "every axis needs"),
        ("a,4/4,4", "is not like 4,4,4,8/4,4,6,8"),
        ("", "is not like"),
        ("4,4,4,4/4,4,6,8", r"spans \[256, 768\], less than \[512, 768\]"),
        ("512,2000000/768,1", r"spans \[1024000000, 768\], more than a file can hold"),
        ("512" + ",1" * 65 + "/768" + ",1" * 65, "more than 65 levels"),
    ],
)
def test_wrong_bases(text, message):
    with pytest.raises(OptionError, match=message):
        made(5000, bases=text)


def test_wrong_target():
    with pytest.raises(OptionError, match="target = 'mlp' is not asmr or siren"):
        made(5000, "doh", target="mlp")


def test_projection_settings():
    planned = made(5000, "doh", latent=300, groups=1)
    assert (planned.storage.projection.latent, planned.storage.projection.groups) == (300, 1)
    assert isinstance(planned.storage, Projected)
    few = made(5000, "doh", latent=5, groups=100)
    assert few.storage.projection.groups == 5


def test_no_more_latents_than_weights():
    planned = made(5000, "doh", width=2, layers=1, latent=10**6)
    weights = sum(t.size for t in planned.net.tensors() if t.is_matrix)
    assert planned.storage.projection.latent == weights


def test_ratio_of_weights_to_latents():
    for ratio in (1.25, 4.0):
        planned = made(6000, "doh", ratio=ratio)
        weights = sum(t.size for t in planned.net.tensors() if t.is_matrix)
        assert weights / planned.storage.projection.latent == pytest.approx(ratio, rel=0.15)


@pytest.mark.parametrize("length", [1, 5, 16, 17, 300, 3200, 44100, 308_207, 2**20])
def test_bases_of_a_sound(length):
    bases = bases_of_sound(length)
    padded = math.prod(base for level in bases for base in level)
    assert len(bases) >= 2
    assert length <= padded <= length * 1.1 + 300


def test_a_sound_shares_deeply():
    net = made(50_000, shape=(308_207,)).net
    assert net.bases == ((7,), (10,), (10,), (16,), (28,))
    assert net.frequencies == 0
    assert made(50_000, shape=(308_207,), cell=4).net.bases[-1] == (4,)
