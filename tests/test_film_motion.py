"""Motion of films: how far apart vectors are and how fine, chosen by what frames need."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from torch.nn import functional

from inrcodec.container import parse_file
from inrcodec.encoder import encode_signal
from inrcodec.encoder.describe import planes_of
from inrcodec.encoder.film import encode as film_encode
from inrcodec.encoder.film.blocks import best_block, trial_cost
from inrcodec.encoder.film.course import Course
from inrcodec.encoder.film.encode import FilmJob, planned_film
from inrcodec.encoder.film.fit import FilmFit
from inrcodec.encoder.film.start import Start, first_steps, padded, searched, sharpness
from inrcodec.encoder.segmented import Part
from inrcodec.encoder.session import Session
from inrcodec.errors import RateError
from inrcodec.limits import NO_LIMITS
from inrcodec.nets.film import Batch, steps_of
from inrcodec.options import EncodeOptions
from inrcodec.signals import Signal

STEP = 8 / 255


def texture(y, x):
    """A smooth pattern that does not repeat within a frame, around 0.5."""
    waves = np.sin(x / 3.1 + y / 7.3) + np.cos(y / 2.7 - x / 9.1) + np.sin((x * y) / 190 + x / 5)
    return 0.5 + 0.13 * waves


def moving(frames=5, shape=(64, 64), parts=1, speed=1.5):
    """A film in `parts` x `parts` squares, neighbours of which move in opposite directions."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    signs = 1 - 2 * ((y * parts // shape[0] + x * parts // shape[1]) % 2)
    values = [texture(y, x + signs * speed * t) for t in range(frames)]
    samples = np.rint(255 * np.stack(values)[..., None].clip(0, 1)).astype(np.uint8)
    return Signal("video", samples, rate=Fraction(25))


def planes_for(net, signal):
    tensors = [torch.from_numpy(plane) for plane in planes_of(signal, 0, signal.shape[0])]
    return padded([tensor - 0.5 for tensor in tensors], net)


def cost_of(signal, block, step=STEP):
    net = planned_film(signal, signal.shape[0], block)
    return trial_cost(net, planes_for(net, signal), step)


@pytest.mark.parametrize(
    ("costs", "first", "side", "expected"),
    [
        ({8: 5, 16: 4, 32: 4.5}, 16, 144, 16),
        ({8: 3, 16: 4, 32: 4.5}, 16, 144, 8),
        ({8: 3.5, 16: 4, 32: 4.5}, 16, 144, 16),  # finer, but hardly better
        ({16: 4, 32: 3, 64: 2}, 16, 360, 64),
        ({8: 9, 16: 4, 32: 3.9}, 16, 144, 16),  # coarser, but hardly better
        ({8: 1, 16: 2, 32: 1.5, 64: 9}, 16, 360, 32),  # what is behind a worse one is not tried
        ({}, 8, 40, 8),  # no room for another
    ],
)
def test_the_best_block_near_the_first(costs, first, side, expected):
    assert best_block(first, side, costs.__getitem__) == expected


def test_a_cost_is_asked_for_once():
    asked = []
    assert best_block(16, 400, lambda block: asked.append(block) or 1.0) == 16
    assert sorted(asked) == [8, 16, 32]


def test_trials_want_coarse_blocks_for_a_pan_and_finer_ones_for_parts():
    pan, parts = (moving(3, (128, 128), count, speed=8) for count in (1, 2))
    assert cost_of(pan, 32, 2 / 255) < cost_of(pan, 16, 2 / 255)
    assert cost_of(parts, 16, 2 / 255) < cost_of(parts, 32, 2 / 255)


@pytest.mark.parametrize(("costs", "expected"), [({8: 9.0, 16: 1.0}, 16), ({8: 1.0, 16: 9.0}, 8)])
def test_a_film_has_the_block_that_costs_least(costs, expected, monkeypatch):
    session = Session(moving(2, (64, 66)), EncodeOptions(bpp=0.5, repr="film"), None, None)
    job = film_encode.FilmJob(session)
    monkeypatch.setattr(film_encode, "trial_cost", lambda net, *_: costs[net.block])
    job.choose_block(STEP)
    assert [start.net.block for start in job.starts] == [expected]
    part = Part(b"", b"", 0, 0.0)
    assert parse_file(job.file._file([part]), NO_LIMITS).header.block == expected


def test_no_motion_is_searched_for_once_time_is_short(monkeypatch):
    signal = moving(3)
    net = planned_film(signal, 3)
    planes = planes_for(net, signal)
    late = Start(net, planes, lambda share: True)
    assert all(fields is None or not fields.any() for fields in late._fields)
    assert any(fields is not None and fields.any() for fields in Start(net, planes)._fields)
    session = Session(signal, EncodeOptions(bpp=0.5, repr="film", time_limit=1000.0), None, None)
    assert not session.late(0.2)
    session.started -= 300
    assert session.late(0.2) and not session.late(0.4)
    monkeypatch.setattr(film_encode, "trial_cost", lambda *_: pytest.fail("there is no time"))
    film_encode.FilmJob(session).choose_block(STEP)


def test_sharper_frames_have_finer_motion():
    signal = moving(2)
    net = planned_film(signal, 2)
    planes = planes_for(net, signal)
    soft = [plane * 0.25 for plane in planes]
    assert sharpness(soft) == pytest.approx(sharpness(planes) / 4)
    motion = [
        float(torch.exp2(steps_of(net, first_steps(net, STEP, sharpness(some)))[1][0]))
        for some in (planes, soft)
    ]
    assert motion[1] == pytest.approx(4 * motion[0])


@pytest.mark.parametrize(("sharp", "samples"), [(0.0, 4.0), (1e3, 1 / 256)])
def test_steps_of_motion_have_their_limits(sharp, samples):
    net = planned_film(moving(2), 2)
    pictures, (motion, _) = steps_of(net, first_steps(net, STEP, sharp))
    assert float(torch.exp2(motion)) == pytest.approx(samples)
    assert float(torch.exp2(pictures[2].mean())) == pytest.approx(STEP)


def test_the_search_finds_far_motion():
    noise = torch.rand(1, 1, 32, 64, generator=torch.Generator().manual_seed(0))
    wide = functional.interpolate(noise, scale_factor=8, mode="bilinear")[0, 0].numpy()
    frames = np.stack([wide[:, 100:356], wide[:, :256]])[..., None]
    signal = Signal("video", np.rint(255 * frames).astype(np.uint8), rate=Fraction(25))
    planes = planes_for(planned_film(signal, 2, 64), signal)
    (fields,) = searched(planes, Batch(1, (1,), (0,)), 64)
    known = fields[:, :, 2:]  # the first frame does not show what lies to the left
    assert torch.allclose(known[0], torch.zeros(4, 2), atol=0.5)
    assert torch.allclose(known[1], torch.full((4, 2), -100.0), atol=0.5)


def test_motion_gets_coarser_where_pictures_do_by_far():
    signal = moving(3)
    net = planned_film(signal, 3)
    planes = planes_for(net, signal)
    colours = np.array([0.5], np.float32)
    fit = FilmFit(planes, Start(net, planes), colours, STEP, STEP / 64, 0, 4)

    def state():
        pictures, motion = steps_of(net, fit.weights["steps"].detach())
        with torch.no_grad():
            batch, grids = net.batches[1], fit._parts(fit.latents)[1].motion
            fields = fit._synthesis.fields(fit.weights, batch, grids)
        return float(pictures.mean()), float(motion.mean()), fields

    pictures, motion, fields = state()
    fit.follow(1.4)  # a quarter of an octave: nothing yet
    assert state()[1] == pytest.approx(motion, abs=1e-4)
    for _ in range(7):
        fit.follow(1.4)
    later = state()
    risen = later[0] - pictures
    assert risen == pytest.approx(4 * np.log2(1.4), abs=1e-3)
    assert later[1] - motion == pytest.approx(risen - 0.5, abs=1e-3)
    assert torch.allclose(later[2], fields, atol=1e-3)


def test_low_rates_leave_something_for_pictures():
    """Motion that was as fine as at high rates took all bytes: 25 dB."""
    signal = moving(9, (48, 64), parts=2)
    options = EncodeOptions(size=700, repr="film", settings={"steps": "25"})
    assert encode_signal(signal, options).psnr_db > 27.5


def test_pilots_bring_steps_nearer_to_where_fits_end():
    def piloted(step, steps):
        wanted = EncodeOptions(size=700, repr="film", settings={"steps": str(steps)})
        job = FilmJob(Session(moving(2, (32, 32)), wanted, None, None))
        return job.piloted(step, np.array([600.0]))

    assert piloted(0.1, 59) == 0.1  # a short fit, which a pilot would make much longer
    below, above = piloted(0.002, 60), piloted(0.2, 60)
    assert 0.002 < below < above < 0.2


def test_a_pilot_that_is_stopped_at_once_moves_by_what_is_meant(monkeypatch):
    """Short films have few classes of frames, whose steps lean away from the mean."""
    monkeypatch.setattr(FilmFit, "run", lambda *arguments: False)
    wanted = EncodeOptions(size=700, repr="film", settings={"steps": "60"})
    job = FilmJob(Session(moving(2, (32, 32)), wanted, None, None))
    step = job.piloted(0.05, np.array([600.0]))
    assert np.log2(0.05 / step) == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize(("limit", "stop"), [(9.0, None), (None, lambda: True)])
def test_no_pilot_where_time_is_short(monkeypatch, limit, stop):
    monkeypatch.setattr(film_encode, "FilmFit", None)  # none is made
    wanted = EncodeOptions(size=700, repr="film", settings={"steps": "60"}, time_limit=limit)
    job = FilmJob(Session(moving(2, (32, 32)), wanted, None, stop))
    assert job.piloted(0.1, np.array([600.0])) == 0.1


@pytest.mark.parametrize("size", [54, 55, 57, 60])
def test_hardly_any_bytes_for_frames_are_too_few(size):
    settings = {"steps": "15", "segment": "1", "block": "8"}
    with pytest.raises(RateError, match=r"takes? at least|the budget is"):
        encode_signal(moving(4, (8, 8)), EncodeOptions(size=size, repr="film", settings=settings))


@pytest.mark.parametrize("pilot", [0, 15])
def test_the_phases_of_an_encode_follow_one_another(pilot):
    course = Course(3, 40, pilot)
    phases = [course.search(n) for n in range(3)] + [course.piloting()]
    phases += [course.fit(n) for n in range(3)]
    ends = [0.0, *(last for _, last in phases)]
    assert [first for first, _ in phases] == pytest.approx(ends[:-1])
    assert ends == sorted(ends)
    assert ends[-1] == pytest.approx(1)
