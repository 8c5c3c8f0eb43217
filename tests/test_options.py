"""EncodeOptions: every wrong value is an OptionError that names the option."""

import subprocess
import sys

import pytest

from inrcodec.container.header_fields import FIELDS
from inrcodec.errors import OptionError
from inrcodec.options import (
    CHOICES,
    RANGES,
    REPRESENTATIONS,
    SETTINGS,
    SETTINGS_OF,
    EncodeOptions,
)


def test_defaults():
    options = EncodeOptions()
    assert (options.bpp, options.size, options.psnr) == (None, None, None)
    assert (options.repr, options.effort, options.seed, options.device) == ("auto", 5, 0, "auto")
    assert all(options.setting(key) is None for key in SETTINGS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bpp", 0.0),
        ("bpp", -1.0),
        ("bpp", float("nan")),
        ("bpp", float("inf")),
        ("size", 0),
        ("psnr", -3.0),
        ("psnr", float("nan")),
        ("psnr", float("inf")),
        ("repr", "jpeg"),
        ("device", "tpu"),
        ("effort", 0),
        ("effort", 10),
        ("seed", -1),
        ("seed", 2**64),
        ("threads", 0),
        ("time_limit", 0.0),
        ("time_limit", float("nan")),
    ],
)
def test_values_out_of_range(name, value):
    with pytest.raises(OptionError, match=f"{name} = {value} is not "):
        EncodeOptions(**{name: value})


@pytest.mark.parametrize(
    "rates", [{"bpp": 1.0, "size": 9}, {"size": 9, "psnr": 30.0}, {"bpp": 1.0, "psnr": 30.0}]
)
def test_one_rate_at_most(rates):
    first, second = rates
    with pytest.raises(OptionError, match=f"{first} and {second} exclude one another"):
        EncodeOptions(**rates)


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("wdith", "5", "unknown setting 'wdith'; known: .*width"),
        ("width", "five", "width = 'five' is not int"),
        ("width", "2.5", "width = '2.5' is not int"),
        ("width", "0", "width = 0 is not between 0 and 4097"),
        ("bits", "many", "bits = 'many' is not float"),
        ("bits", "-1", "bits = -1.0 is not between 0"),
        ("bits", "nan", "bits = nan is not between 0"),
        ("frequencies", "-1", "frequencies = -1 is not between -1 and 17, both excluded"),
        ("frequencies", "17", "frequencies = 17 is not between"),
        ("levels", "1", "levels = 1 is not between 1 and 65537, both excluded"),
        ("levels", "65537", "levels = 65537 is not between"),
        ("width", "4097", "width = 4097 is not between 0 and 4097"),
        ("hop", "100", "hop = 100 is not 32, 64, .*8192 or 16384"),
        ("hop", "0", "hop = 0 is not 32"),
        ("block", "12", "block = 12 is not 4, 8, 16, 32, 64 or 128"),
        ("tile", "64", "tile = 64 is not 0, 128, 256"),
        ("groups", "65537", "groups = 65537 is not between 0 and 65537, both excluded"),
    ],
)
def test_wrong_settings(key, text, message):
    with pytest.raises(OptionError, match=message) as error:
        EncodeOptions(settings={key: text})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e400"])
@pytest.mark.parametrize("key", [key for key, (kind, _) in SETTINGS.items() if kind is float])
def test_settings_are_finite(key, text):
    with pytest.raises(OptionError, match=f"setting {key} = (nan|-?inf) is not between"):
        EncodeOptions(settings={key: text})


def test_ranges_are_those_of_the_format():
    """What the options let through, the header can hold."""
    fields = {"w0": "w0_first"}
    # `levels` are of quantisation; HEAD's are the wavelet's.
    names = {key: fields.get(key, key) for key in RANGES if key != "levels"}
    allowed = {field.name: field.allowed for field in FIELDS}
    held = {key: allowed[name] for key, name in names.items() if name in allowed}
    assert len(held) == 12
    for key, values in held.items():
        low, high = RANGES[key]
        assert (low + 1, high - 1) == (max(values[0], low + 1), values[-1])


def test_choices_are_those_of_the_format():
    allowed = {field.name: field.allowed for field in FIELDS}
    for key, values in CHOICES.items():
        assert tuple(value for value in values if value) == allowed[key]
    # No other number that the file holds is without a range or a choice.
    numbers = {key for key, (kind, _) in SETTINGS.items() if kind is int and key in allowed}
    assert numbers - {"levels", "segment"} <= {*CHOICES, *RANGES}


def test_every_setting_is_some_representations():
    assert set().union(*SETTINGS_OF.values()) == set(SETTINGS)
    assert set(SETTINGS_OF) == {*REPRESENTATIONS} - {"auto"}


def test_settings_are_parsed():
    settings = {"width": "12", "bits": "4.5", "bases": "2,3/4,5", "frequencies": "0", "levels": "2"}
    options = EncodeOptions(settings=settings)
    assert options.setting("width") == 12
    assert options.setting("bases") == "2,3/4,5"
    assert options.number("frequencies", 7) == 0
    assert options.number("levels", 0) == 2
    assert options.real("bits", 1.0) == 4.5
    assert options.number("layers", 7) == 7
    assert options.real("ratio", 1.5) == 1.5


def test_every_setting_is_described():
    assert all(kind in (int, float, str) and text for kind, text in SETTINGS.values())


def test_free_of_torch():
    code = "import sys, inrcodec.options; print('torch' in sys.modules, 'PIL' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"
