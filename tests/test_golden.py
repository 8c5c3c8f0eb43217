"""Files of every released format version decode for ever, to the same samples and integers."""

import os
import subprocess
import sys
from pathlib import Path

import forge
import numpy as np
import pytest
import spec_decoder

from inrcodec.container import Net, parse_file
from inrcodec.container.weights_section import unpack
from inrcodec.decoder import decode, info, verify
from inrcodec.decoder.pyramid import read_latents
from inrcodec.limits import Limits
from inrcodec.network import network_of, pyramid_of, storage_of

FOLDER = Path(__file__).parent / "golden"
FILES = {f"{p.parent.name}/{p.stem}": p for p in sorted(FOLDER.glob("v*/*.inr"))}
CODE_VALUES = {np.dtype(np.uint8): 1, np.dtype(np.uint16): 8}
DECODE_ALL = """
import sys, numpy as np, inrcodec
paths = sys.argv[2:]
np.savez(sys.argv[1], **{path: inrcodec.decode(path).samples for path in paths})
assert "torch" not in sys.modules
"""


def expected(path, what):
    return np.load(path.with_name(f"{path.stem}.{what}.npy"), allow_pickle=False)


def assert_samples(samples, path):
    golden = expected(path, "samples")
    assert samples.dtype == golden.dtype
    assert samples.shape == golden.shape
    difference = np.abs(samples.astype(int) - golden.astype(int))
    assert difference.max() <= CODE_VALUES[golden.dtype]


def test_golden_files_are_there():
    assert len(FILES) >= 5
    assert all(path.stat().st_size < 1000 for path in FILES.values())
    facts = [info(path.read_bytes()) for path in FILES.values()]
    assert {(f["net"], f["storage"]) for f in facts} == {
        (net, storage) for net in ("siren", "asmr") for storage in ("direct", "projection")
    } | {("pyramid", "direct")}
    assert {f["version"] for f in facts} == {name[1:4] for name in FILES}
    assert {f["channels"] for f in facts} >= {1, 3, 4}
    assert {f["depth"] for f in facts} == {8, 16}


@pytest.mark.parametrize("name", FILES)
def test_same_samples(name):
    data = FILES[name].read_bytes()
    verify(data)
    assert_samples(decode(data).samples, FILES[name])
    assert_samples(spec_decoder.decode(data), FILES[name])


@pytest.mark.parametrize("name", FILES)
def test_same_integers(name):
    data = FILES[name].read_bytes()
    golden = expected(FILES[name], "integers").tolist()
    assert integers_of(parse_file(data, Limits())) == golden
    assert spec_decoder.all_integers(spec_decoder.read_file(data)) == golden


def integers_of(parsed):
    """Every integer of a file, as the package finds them."""
    header = parsed.header
    pyramid = header.net == Net.PYRAMID
    net = pyramid_of(header) if pyramid else network_of(header)
    specs = storage_of(header).stored(net)
    tensors = unpack(parsed.segments[0].weights, [t.size for t in specs])
    integers = np.concatenate([t.integers for t in tensors]).tolist()
    if pyramid:
        weights = forge.weights_of(header, tensors)
        for grid in read_latents(net, weights, parsed.segments[0].latents, 0):
            integers += grid.swapaxes(0, 1).ravel().tolist()
    return integers


@pytest.mark.parametrize("threads", ["1", "2"])
def test_same_samples_on_any_number_of_threads(threads, tmp_path):
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    paths = [str(path) for path in FILES.values()]
    subprocess.run(
        [sys.executable, "-c", DECODE_ALL, tmp_path / "all.npz", *paths],
        env=os.environ | dict.fromkeys(names, threads),
        check=True,
    )
    with np.load(tmp_path / "all.npz") as samples:
        for path in FILES.values():
            assert_samples(samples[str(path)], path)


@pytest.mark.parametrize("version", ["v1.0", "v1.1"])
def test_golden_files_are_not_overwritten(version):
    script = FOLDER / "make_golden.py"
    before = {path: path.read_bytes() for path in FILES.values()}
    done = subprocess.run([sys.executable, script, version], capture_output=True, text=True)
    assert done.returncode != 0
    assert "FileExistsError" in done.stderr
    assert {path: path.read_bytes() for path in FILES.values()} == before
