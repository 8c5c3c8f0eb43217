"""The frames of an MP3 file, as far as counting them goes (ISO/IEC 11172-3, section 2.4.1)."""

import struct

from inrcodec.errors import InputError

_MPEG_1 = 3
_LAYER_3 = 1
_KBIT_PER_SECOND = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # MPEG-1
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
# what may follow the last frame
_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"\0")
_LENGTH_TAGS = (b"Xing", b"Info", b"VBRI")


def is_frame(data: bytes, position: int = 0) -> bool:
    """Say whether the header of an MPEG audio frame of layer II or III lies at `position`."""
    if len(data) < position + 4 or data[position] != 0xFF:
        return False
    second, third = data[position + 1], data[position + 2]
    version, layer, bitrate = second >> 3 & 3, second >> 1 & 3, third >> 4
    known = version in _RATES and layer in (1, 2) and third >> 2 & 3 != 3
    return second >= 0xE0 and known and 0 < bitrate < 15


def with_length(data: bytes) -> bytes:
    """Return an MP3 file that says how many frames it has; data of another kind as it is.

    Without that, libsndfile takes all frames to be as long as the first, and where the bit rate
    varies it leaves out the end. InputError if frames do not follow one another to the end.
    """
    first = _first_frame(data)
    if not is_frame(data, first) or data[first + 1] >> 1 & 3 != _LAYER_3:
        return data
    if any(tag in data[first : first + 64] for tag in _LENGTH_TAGS):
        return data
    frames, position = 0, first
    while is_frame(data, position) and position + _frame_size(data, position) <= len(data):
        frames += 1
        position += _frame_size(data, position)
    last_is_cut = is_frame(data, position)  # as where a download or a recording was stopped
    if position < len(data) and not last_is_cut and not data.startswith(_TAGS, position):
        raise InputError(f"no MPEG audio frame at byte {position}")
    return _length_frame(data[first : first + 4], frames) + data[first:]


def _first_frame(data: bytes) -> int:
    """Return the position behind the ID3 tag, or 0: a size of 4 times 7 bits follows 6 bytes."""
    if not data.startswith(b"ID3") or len(data) < 10:
        return 0
    size = sum((byte & 127) << 7 * place for place, byte in enumerate(data[9:5:-1]))
    position = 10 + size
    while data.startswith(b"\0", position):
        position += 1
    return position


def _frame_size(data: bytes, position: int) -> int:
    version, third = data[position + 1] >> 3 & 3, data[position + 2]
    bits = 144000 if version == _MPEG_1 else 72000
    kbit = _KBIT_PER_SECOND[version == _MPEG_1][third >> 4]
    return bits * kbit // _RATES[version][third >> 2 & 3] + (third >> 1 & 1)


def _length_frame(header: bytes, frames: int) -> bytes:
    """Return a silent frame that holds a Xing tag, in the manner of the frame with `header`."""
    mono, first_version = header[3] >> 6 == 3, header[1] >> 3 & 3 == _MPEG_1
    # no checksum; the highest bit rate, so that the tag has room
    start = bytes((0xFF, header[1] | 1, 0xE0 | header[2] & 0x0C, header[3]))
    side_information = (17 if mono else 32) if first_version else (9 if mono else 17)
    tag = bytes(side_information) + b"Xing" + struct.pack(">II", 1, frames)
    return (start + tag).ljust(_frame_size(start, 0), b"\0")
