"""The specification's worked example is a file, and what is said about it is true."""

import re
from pathlib import Path

import numpy as np
import spec_decoder
import worked_example

from inrcodec.decoder import decode

SPEC = (Path(__file__).parents[1] / "bitstream_spec.md").read_text(encoding="utf-8")
TEXT = re.search("<!-- example -->\n(.*)\n<!-- /example -->", SPEC, re.DOTALL).group(1)
DATA = worked_example.bytes_in(TEXT)
SAMPLES = re.search("decoded samples:\n\n```\n(.*?)\n```", TEXT, re.DOTALL).group(1)


def stated_samples():
    return np.array([[int(v) for v in line.split()] for line in SAMPLES.splitlines()])[..., None]


def test_every_byte_and_every_word_of_the_example_is_right():
    assert worked_example.section(DATA).strip() == TEXT.strip()


def test_both_decoders_give_the_samples_stated():
    expected = stated_samples()
    assert expected.shape == (3, 4, 1)
    np.testing.assert_array_equal(spec_decoder.decode(DATA), expected)
    np.testing.assert_array_equal(decode(DATA).samples, expected)


def test_the_example_has_a_layer_of_every_kind():
    """No tie at a rounding edge either: the samples are the same wherever they are computed."""
    decoded = spec_decoder.read_file(DATA)
    weights = decoded.segments[0].weights
    assert list(weights) == ["W_1", "b_1", "M_1", "W_out", "b_out"]
    index = np.stack(np.indices((3, 4)), axis=-1).reshape(-1, 2)
    scaled = 255 * spec_decoder.asmr(decoded.head, weights, index)
    assert np.abs(scaled % 1 - 0.5).min() > 0.01


def test_a_changed_byte_in_the_example_would_be_noticed():
    changed = worked_example.bytes_in(TEXT.replace("3C  ", "3D  ", 1))
    assert len(changed) == len(DATA) and changed != DATA
    assert worked_example.bytes_in("no bytes here") == b""
