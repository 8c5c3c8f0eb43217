"""Extending a file along its first axis: what is added is fitted by itself and joined to it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from inrcodec.container import Header, Kind, ParsedFile, join, parse_file
from inrcodec.container.header_fields import Numbers
from inrcodec.container.sections import (
    minor_of,
    overhead_of_joined,
    pack_contents,
    pack_sections,
)
from inrcodec.encoder.describe import signal_fields
from inrcodec.encoder.encode import Encoded, encode_signal, size_budget
from inrcodec.encoder.session import Progress
from inrcodec.errors import InputError, OptionError
from inrcodec.limits import NO_LIMITS, Limits
from inrcodec.network import representation_of
from inrcodec.options import RATES, EncodeOptions
from inrcodec.signals.signal import Signal

# Of what is added where no rate is asked for: enough for a network, however little it is.
_LEAST_BYTES = 400
_LEAST_SECTIONS = 3  # that a file grows by: JOINED, and in it HEAD and WEIGHTS


@dataclass(frozen=True)
class Extended:
    """A longer file. `data`: the file; `added`: what was fitted, measured by itself; `added_bytes`:
    by how much the file grew."""

    data: bytes
    added: Encoded
    added_bytes: int


def extend(
    data: bytes,
    more: Signal,
    options: Mapping[str, Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Extended:
    """Append samples along axis 0 to a file of audio, video or a volume; what is there is not
    touched and decodes as before.

    `options`: fields of EncodeOptions. Rates are of what is added and count all bytes that the file
    grows by; without one they are in proportion to the file's. Representation and effort are the
    file's unless they are given. Time is in proportion to what is added. Raises InputError if
    `more` does not continue the file, and what `encode_signal` and `parse_file` raise.
    """
    parsed = parse_file(data, Limits())
    if parsed.header.kind == Kind.IMAGE:
        raise OptionError("an image cannot be extended; audio, video and volumes can")
    _check_room(parsed, _LEAST_SECTIONS)
    signal = _continuing(parsed.header, more)
    chosen = _options(parsed, signal, len(data), options or {})
    added = encode_signal(signal, chosen, progress, stop)
    part = _as_part(added.data, parsed.header)
    _check_room(parsed, 1 + parse_file(part, NO_LIMITS).section_count)
    longer = join(data, [part])
    return Extended(longer, added, len(longer) - len(data))


def _check_room(parsed: ParsedFile, more: int) -> None:
    """OptionError if with so many sections more decoders would refuse the file."""
    count, most = parsed.section_count, Limits().sections
    if count + more > most:
        raise OptionError(
            f"the file has {count} sections and would have {count + more}; decoders take {most}"
        )


def _continuing(header: Header, more: Signal) -> Signal:
    """The signal as the file has it; InputError if it is of another kind, size or rate."""
    if header.kind == Kind.AUDIO:  # decoded alike, whatever its source was
        more = replace(more, bits=header.depth)
    kind = header.kind.name.lower()
    if more.kind != kind:
        raise InputError(f"{kind} cannot be continued by {more.kind}")
    fields = {"layout": header.layout, "numbers": Numbers.UNSIGNED} | signal_fields(more)
    ours = {"rate": Fraction(header.rate, header.rate_seconds or 1), "sides": header.shape[1:]}
    theirs = {"rate": more.rate or Fraction(0), "sides": more.shape[1:]}
    for name in ("channels", "depth", "layout", "numbers"):
        ours[name], theirs[name] = getattr(header, name), fields[name]
    for name, value in ours.items():
        if theirs[name] != value:
            raise InputError(
                f"{kind} with {name} = {_text(value)} cannot be continued by one with"
                f" {name} = {_text(theirs[name])}"
            )
    return more


def _text(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _options(
    parsed: ParsedFile, signal: Signal, size_bytes: int, given: Mapping[str, Any]
) -> EncodeOptions:
    """The options of the encode: the file's own where none are given."""
    header = parsed.header
    own: dict[str, Any] = {"repr": representation_of(header), "effort": max(header.effort, 1)}
    options = EncodeOptions(**own | {key: v for key, v in given.items() if v is not None})
    if header.block and options.repr == own["repr"]:  # no trials: time is that of what is added
        options = replace(options, settings={"block": str(header.block), **options.settings})
    if options.psnr is not None:
        return options
    if all(getattr(options, name) is None for name in RATES):
        size = size_bytes - len(parsed.metadata or b"")
        budget = math.ceil(size * signal.shape[0] / parsed.whole.shape[0])
        budget = max(budget, _LEAST_BYTES)
    else:
        budget = size_budget(signal, options) or 0
    return replace(options, bpp=None, kbps=None, size=budget - overhead_of_joined(budget))


def _as_part(data: bytes, header: Header) -> bytes:
    """A file without metadata whose rate is written as in the file that it continues."""
    part = parse_file(data, NO_LIMITS)
    head = replace(part.header, rate=header.rate, rate_seconds=header.rate_seconds)
    weights = [segment.weights for segment in part.segments]
    latents = [segment.latents for segment in part.segments if segment.latents is not None]
    contents = pack_contents(head, weights, latents, part.segments[0].locals)
    return pack_sections(contents, minor_of(head))
