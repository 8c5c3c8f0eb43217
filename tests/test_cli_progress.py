"""The displays of an encode's progress, and the handling of Ctrl-C apart from a command."""

import json
import signal
import threading

import pytest
from cli_fakes import Progress

from inrcodec.cli import progress
from inrcodec.cli.interrupt import Interrupt
from inrcodec.cli.progress import Bar, JsonLines, Plain, Silent, make_display, summary


def test_summary_leaves_out_what_is_not_known():
    assert summary(Progress()) == "fit, 31.42 dB, 912 B, 1:15 left"
    assert summary(Progress(eta_s=None, psnr_db=None, size_bytes=None)) == "fit"
    assert summary(Progress("search", eta_s=-2.0, psnr_db=None, size_bytes=None)).endswith(
        "0:00 left"
    )


def test_updates_are_thinned_but_milestones_pass(monkeypatch):
    clock = iter([0.0, 0.01, 0.02, 0.2, 0.21, 0.22])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    shown = []
    display = Silent("a")
    display.show = lambda update: shown.append((update.phase, update.fraction))
    for phase, fraction in (
        ("fit", 0.1), ("fit", 0.2), ("fit", 0.3), ("fit", 0.4), ("code", 0.5), ("code", 1.0)
    ):  # fmt: skip
        display(Progress(phase, fraction))
    assert shown == [("fit", 0.1), ("fit", 0.4), ("code", 0.5), ("code", 1.0)]


def test_the_bar_never_goes_back(capsys):
    with Bar("a.png") as bar:
        bar.show(Progress(fraction=0.6))
        bar.show(Progress(fraction=0.2, phase="{odd}"))
        bar.note("a note")
    text = capsys.readouterr().err
    assert "60%" in text and "20%" not in text
    assert "{odd}" in text and "a.png: a note\n" in text


def test_json_notes_are_json_too(capsys):
    JsonLines("a.png").note("stopping")
    assert json.loads(capsys.readouterr().err) == {"input": "a.png", "note": "stopping"}


@pytest.mark.parametrize(
    ("mode", "quiet", "kind"),
    [
        ("json", True, JsonLines),
        ("bar", True, Bar),
        ("auto", True, Silent),
        ("auto", False, Plain),
        ("none", False, Plain),
        ("none", True, Silent),
    ],
)
def test_the_mode_chooses_the_display(mode, quiet, kind, capsys):
    with make_display(mode, quiet, "a") as display:
        assert type(display) is kind


def test_silence_takes_everything(capsys):
    display = Silent("a")
    display(Progress())
    display.note("text")
    assert capsys.readouterr() == ("", "")


def test_interrupt_leaves_other_threads_and_nohup_alone(monkeypatch):
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def enter():
        with Interrupt(seen.append) as interrupt:
            seen.append((signal.getsignal(signal.SIGINT) is before, interrupt.stop()))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupt(seen.append):
            seen.append(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [(True, False), True]
