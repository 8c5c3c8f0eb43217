"""Experiments about the encoder's defaults: each changes what it says, and nothing else."""

from pkgutil import resolve_name

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import planning
from benchmarks.projected_cells import ProjectedLearner
from inrcodec.encoder import encode, fit, model
from inrcodec.options import SETTINGS, EncodeOptions

ALL = [(name, variant) for name, variants in planning.EXPERIMENTS.items() for variant in variants]


@pytest.fixture
def picture(tmp_path):
    samples = np.random.default_rng(1).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    path = tmp_path / "noise.png"
    Image.fromarray(samples).save(path)
    return path


@pytest.mark.parametrize(("experiment", "name"), ALL)
def test_variants_are_options_that_the_encoder_takes(experiment, name):
    variant = planning.EXPERIMENTS[experiment][name]
    options = EncodeOptions(repr=variant.repr, settings=variant.settings)
    assert set(options.settings) <= set(SETTINGS)


def test_every_experiment_has_variants_that_differ():
    for variants in planning.EXPERIMENTS.values():
        texts = [repr((v.settings, v.repr, v.patches)) for v in variants.values()]
        assert len(set(texts)) == len(texts) > 1


def test_patches_replace_names_that_there_are():
    for variants in planning.EXPERIMENTS.values():
        for target in (target for variant in variants.values() for target in variant.patches):
            module, name = target.rsplit(".", 1)
            assert hasattr(resolve_name(module), name)


def test_a_patched_encoder_is_used_and_put_back(picture, monkeypatch):
    before, used = (fit.Soap, model._LATENT_RATE, encode.keep_pages), []
    monkeypatch.setattr(planning, "encode_one", lambda path, options: used.append(now()) or {})

    def now():
        return fit.Soap, model._LATENT_RATE, encode.keep_pages

    planning.run("optimiser", "Adam, 0.002", picture, 20, 1)
    planning.run("latent rate", "50", picture, 20, 1)
    planning.run("pages", "given back", picture, 20, 1)
    assert used == [
        (planning.plain_adam, *before[1:]),
        (before[0], 50.0, before[2]),
        (*before[:2], planning._nothing),
    ]
    assert now() == before


def test_a_row_says_what_was_run(picture):
    row = planning.run("distil", "0.4", picture, 20, 1)
    facts = {"experiment": "distil", "variant": "0.4", "planned_steps": 20, "repr": "doh"}
    assert facts.items() <= row.items()
    assert row["asked_bpp"] == planning.BPP >= row["bpp"]


def test_table_has_a_mean_only_of_all_pictures():
    shared = {"experiment": "cell", "encode_s": 10.0}
    rows = [
        shared | {"variant": "2", "image": "a", "psnr_db": 20.0},
        shared | {"variant": "2", "image": "b", "psnr_db": 21.0},
        shared | {"variant": "8", "image": "a", "psnr_db": 19.0},
    ]
    lines = planning.table(rows).splitlines()
    assert lines[0] == "| experiment | variant | a, dB | b, dB | mean, dB | s per encode |"
    assert lines[2:] == [
        "| cell | 2 | 20.00 | 21.00 | 20.50 | 10 |",
        "| cell | 8 | 19.00 | - | - | 10 |",
    ]


def test_cells_from_a_latent_move_in_its_span():
    tensors = {"W": torch.ones(6, 10, requires_grad=True), "b": torch.zeros(6, requires_grad=True)}
    learner = ProjectedLearner(tensors, 0.3)
    for _ in range(3):
        used = learner.current()
        (used["W"].square().sum() + (used["b"] - 1).square().sum()).backward()
        learner.learn(1.0)
    moved = (tensors["W"] - 1).detach().reshape(-1)
    assert float(moved.abs().max()) > 0.01
    assert float(tensors["b"].detach().min()) > 0.01
    drawn = learner._drawn["W"]  # group g of 8 has weights g, g + 8, ..
    for group in range(8):
        span, values = drawn[:, group], moved[group::8]
        found = torch.linalg.lstsq(span[: len(values)], values[:, None]).solution
        torch.testing.assert_close(span[: len(values)] @ found, values[:, None])
