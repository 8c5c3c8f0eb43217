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
from inrcodec.container.locals_section import in_file_order
from inrcodec.container.weights_section import unpack
from inrcodec.decoder import (
    decode,
    film_latents,
    grids_latents,
    info,
    local_global,
    pyramid_latents,
    spectrum,
    verify,
)
from inrcodec.limits import Limits
from inrcodec.network import (
    film_of,
    grids_of,
    groups_of,
    network_of,
    pyramid_of,
    spectrum_of,
    storage_of,
)

FOLDER = Path(__file__).parent / "golden"
FILES = {f"{p.parent.name}/{p.stem}": p for p in sorted(FOLDER.glob("v*/*.inr"))}
VERSIONS = sorted({path.parent.name for path in FILES.values()})
IMAGES = {("siren", "direct"), ("siren", "projection"), ("asmr", "direct"), ("asmr", "projection")}
# What each version's files are at least: net and storage.
NETS = {
    "v1.0": IMAGES,
    "v1.1": {("pyramid", "direct")},
    "v1.2": {("siren", "direct"), ("asmr", "direct"), ("spectrum", "direct")},
    "v1.3": {
        *((net, "direct") for net in ("film", "pyramid", "spectrum", "local_global")),
        *((net, "direct") for net in ("siren", "asmr")),
    },
    "v1.4": {("pyramid", "direct")},
    "v1.5": {("pyramid", "direct")},
    "v1.6": {("local_global", "direct")},
    "v1.7": {("grids", "direct")},
    "v1.8": {("grids", "direct")},
}
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
    difference = np.abs(samples.astype(np.float64) - golden.astype(np.float64))
    assert difference.max() <= within(golden)


def within(golden):
    """How far samples may be apart; of floating-point numbers by how large they get."""
    return CODE_VALUES.get(
        golden.dtype, 2 * CODE_VALUES[np.dtype(np.uint16)] / 65535 * golden.max()
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_golden_files_are_there(version):
    paths = [path for path in FILES.values() if path.parent.name == version]
    assert all(path.stat().st_size < 1000 for path in paths)
    facts = [info(path.read_bytes()) for path in paths]
    assert {(f["net"], f["storage"]) for f in facts} == NETS[version]
    assert {f["version"] for f in facts} == {version[1:]}


def test_golden_files_are_of_all_kinds():
    assert VERSIONS[:2] == ["v1.0", "v1.1"]
    facts = [info(path.read_bytes()) for path in FILES.values()]
    assert {f["channels"] for f in facts} >= {1, 3, 4}
    assert {f["depth"] for f in facts} >= {8, 16}
    if "v1.2" in VERSIONS:
        assert {f["kind"] for f in facts} == {"image", "audio", "video", "volume"}
        assert max(f.get("segments", 1) for f in facts) >= 3


@pytest.mark.parametrize("name", FILES)
def test_same_samples(name):
    data = FILES[name].read_bytes()
    verify(data)
    signal = decode(data)
    assert_samples(signal.samples, FILES[name])
    assert_samples(spec_decoder.decode(data), FILES[name])
    if signal.chroma is not None:
        chroma = expected(FILES[name], "chroma")
        assert (signal.chroma.dtype, signal.chroma.shape) == (chroma.dtype, chroma.shape)
        assert np.abs(signal.chroma.astype(int) - chroma).max() <= 1


@pytest.mark.parametrize("name", FILES)
def test_same_integers(name):
    data = FILES[name].read_bytes()
    golden = expected(FILES[name], "integers").tolist()
    assert integers_of(parse_file(data, Limits())) == golden
    assert spec_decoder.all_integers(spec_decoder.read_file(data)) == golden


def integers_of(parsed):
    """Every integer of a file and those joined to it, as the package finds them."""
    return [integer for file in parsed.files for integer in own_integers_of(file)]


def own_integers_of(parsed):
    header, integers = parsed.header, []
    if header.net == Net.LOCAL_GLOBAL:
        tensors = in_file_order(*local_global.read_integers(parsed), groups_of(header).members())
        return np.concatenate([t.integers for t in tensors]).tolist()
    for segment in parsed.segments:
        tensors = unpack(segment.weights, [t.size for t in specs_of(header)])
        integers += np.concatenate([t.integers for t in tensors]).tolist()
        for latents in latents_of(header, segment, tensors):
            integers += latents.ravel().tolist()
    return integers


def specs_of(header):
    if header.net in forge.LATENTS:
        return forge.latent_net(header).tensors()
    return storage_of(header).stored(network_of(header))


def latents_of(header, segment, tensors):
    """Arrays of latents in the order of their checksum."""
    if header.net == Net.PYRAMID:
        weights = forge.weights_of(header, tensors)
        grids = pyramid_latents.read_latents(pyramid_of(header), weights, segment.latents, 0)
        return [grid.swapaxes(0, 1) for grid in grids]
    if header.net == Net.GRIDS:
        weights = forge.weights_of(header, tensors)
        return grids_latents.read_latents(grids_of(header), weights, segment.latents, 0)
    if header.net == Net.SPECTRUM:
        weights, net = forge.weights_of(header, tensors), spectrum_of(header)
        frames = spectrum.frames_of(
            header.coded_shape[0], header.segment, header.hop, segment.number
        )
        return [spectrum.read_latents(net, weights, frames, segment.latents, 0)]
    if header.net == Net.FILM:
        weights, net = forge.weights_of(header, tensors), film_of(header, segment.number)
        batches = film_latents.read_latents(net, weights, segment.latents, 0)
        return [grid.swapaxes(0, 1) for batch in batches for grid in batch]
    return []


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


def test_golden_files_are_not_overwritten():
    script = FOLDER / "make_golden.py"
    before = {path: path.read_bytes() for path in FOLDER.glob("v*/*")}
    done = subprocess.run([sys.executable, script, VERSIONS[-1]], capture_output=True, text=True)
    assert done.returncode != 0
    assert "FileExistsError" in done.stderr
    assert {path: path.read_bytes() for path in FOLDER.glob("v*/*")} == before
