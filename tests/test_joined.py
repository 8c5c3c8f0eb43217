"""Files that others continue: one signal to every command."""

from dataclasses import replace

import forge
import numpy as np
import pytest
import spec_decoder

import inrcodec
from inrcodec.container import join, parse_file
from inrcodec.decoder import decode, info, verify
from inrcodec.decoder.plan import check_limits
from inrcodec.errors import LimitExceeded
from inrcodec.limits import Limits

FILES = {name: forge.make_file(forge.PARTED[name]) for name in ("sound", "volume")}
WHOLE = {name: decode(data) for name, data in FILES.items()}


def joined(*files):
    return join(files[0], files[1:])


def two_sounds():
    """Two networks and ranges, one signal."""
    other = replace(forge.SOUND_ASMR, depth=16)
    return joined(FILES["sound"], forge.make_file(other)), decode(forge.make_file(other))


def test_joined_files_are_one_signal():
    data, other = two_sounds()
    whole = decode(data)
    assert np.array_equal(whole.samples, np.concatenate([WHOLE["sound"].samples, other.samples]))
    assert np.abs(spec_decoder.decode(data) - whole.samples).max() < 1e-4
    facts = verify(data)
    assert (facts["shape"], facts["segments"], facts["version"]) == ([100], 6, "1.3")
    assert facts["duration_s"] == pytest.approx(100 / 8000)
    assert [file["repr"] for file in facts["joined"]] == ["asmr"]
    for span in [(40, 60), (0, 50), (50, 51), (99, 100)]:
        assert np.array_equal(decode(data, span=span).samples, whole.samples[slice(*span)])


@pytest.mark.parametrize("span", [(45, 55), (0, 50), (60, 90), (10, 20), (41, 100)])
def test_crops_of_joined_files(span):
    data, _ = two_sounds()
    crop = inrcodec.crop(data, span=span)
    assert len(crop) < len(data)
    assert np.array_equal(decode(crop).samples, decode(data).samples[slice(*span)])
    assert np.abs(spec_decoder.decode(crop) - decode(crop).samples).max() < 1e-4
    assert ("joined" in info(crop)) == (span[0] < 50 < span[1])


@pytest.mark.parametrize("factor", [2, 3])
def test_boxes_lie_across_the_ends_of_joined_volumes(factor):
    data = joined(FILES["volume"], forge.make_file(replace(forge.VOLUME, shape=(2, 4, 3), low=0.0)))
    whole, small = decode(data).samples, decode(data, scale=factor).samples
    assert small.shape[0] == -(-7 // factor)
    box = whole[6 // factor * factor :, :factor, :factor]
    means = box.astype(np.float64).mean(axis=(0, 1, 2))
    np.testing.assert_allclose(small[-1, 0, 0], means, rtol=1e-5)


def test_limits_count_joined_files():
    data, _ = two_sounds()
    macs = [check_limits(file.header, Limits()) for file in parse_file(data, Limits()).files]
    for limits in (Limits(samples=199), Limits(macs=sum(macs) - 1), Limits(sections=8)):
        with pytest.raises(LimitExceeded):
            decode(data, limits=limits)
    assert decode(FILES["sound"], limits=Limits(samples=199, macs=max(macs))).shape == (50,)
    assert decode(data, limits=Limits(samples=200, macs=sum(macs), sections=9)).shape == (100,)


@pytest.mark.parametrize(("names", "minor"), [("AA", 3), ("AB", 6), ("BA", 6)])
def test_the_version_is_that_of_all_that_is_used(names, minor):
    plain, merged = (forge.make_file(header) for header in (forge.VOLUME, forge.MERGED_PARTITIONS))
    first, second = ({"A": plain, "B": merged}[name] for name in names)
    joined = join(first, [second])
    assert joined[4:6] == bytes([1, minor])
