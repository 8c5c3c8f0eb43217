"""Arrays, archives of them and NIfTI-1 files become volumes, and the other way round."""

import gzip
import io
import struct
import zipfile
from functools import partial

import damage
import numpy as np
import pytest

from inrcodec.errors import InputError, OptionError, OutputError
from inrcodec.signals import Signal, nifti, sizes
from inrcodec.signals.volume import is_volume, read_volume, write_volume

KEPT = ["u1", "i1", "u2", "i2", "f4"]


def values(dtype, shape):
    integers = np.random.default_rng(len(shape)).integers(0, 256, shape)
    if dtype == "?":
        return integers > 127
    return (integers - (0 if dtype[0] == "u" else 128)).astype(dtype)


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def nii(array, code, order="<", scale=(0.0, 0.0), offset=352.0, dims=None):
    """A file by the letter of nifti1.h, field by field."""
    dims = dims or (array.ndim, *array.shape, *(1,) * (7 - array.ndim))
    fields = [
        *(348, b"", b"", 0, 0, b"r", 0, *dims, 0.0, 0.0, 0.0, 0, code, 8 * array.itemsize, 0),
        *(*(1.0,) * 8, offset, *scale, 0, 0, 0, 0.0, 0.0, 0.0, 0.0, 0, 0, b"", b"", 0, 0),
        *((0.0,) * 6 + (0.0,) * 12 + (b"", b"n+1")),
    ]
    layout = "i10s18sihcB8h3f4h8f3fhbb4f2i80s24s2h6f12f16s4s"
    header = struct.pack(order + layout, *fields)
    data = array.astype(array.dtype.newbyteorder(order)).tobytes(order="F")
    return header.ljust(max(int(offset), 352), b"\0") + data


def read(data):
    return read_volume(io.BytesIO(data), "it")


def written(signal, format_name):
    file = io.BytesIO()
    write_volume(signal, file, "it", format_name)
    return file.getvalue()


refused = partial(damage.refused, read)


@pytest.mark.parametrize("shape", [(7,), (5, 6), (3, 4, 5), (2, 3, 4, 1), (2, 3, 4, 4)])
@pytest.mark.parametrize("dtype", KEPT)
def test_types_that_stay(dtype, shape):
    array = values(dtype, shape)
    expected = array if len(shape) == 4 else array[..., None]
    for data in (npy(array), npy(np.asfortranarray(array)), npz(anything=array)):
        signal = read(data)
        assert (signal.kind, signal.bits, signal.rate) == ("volume", 0, None)
        assert signal.samples.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(signal.samples, expected)


@pytest.mark.parametrize("dtype", ["f2", "f8", "i4", "u4", "i8", "u8", ">f8", ">i4"])
def test_types_that_become_float(dtype):
    array = values(dtype.strip(">"), (3, 4, 5)).astype(dtype)
    signal = read(npy(array))
    assert signal.samples.dtype == np.dtype("f4") and signal.depth == 32
    np.testing.assert_array_equal(signal.samples[..., 0], array)


def test_big_endian_arrays_become_native():
    array = values("i2", (3, 4)).astype(">i2")
    signal = read(npy(array))
    assert signal.samples.dtype.isnative
    np.testing.assert_array_equal(signal.samples[..., 0], array)


def test_booleans_become_a_mask():
    array = values("?", (3, 4, 5))
    signal = read(npy(array))
    assert (signal.bits, signal.depth, signal.samples.dtype) == (1, 1, np.uint8)
    np.testing.assert_array_equal(signal.samples[..., 0], array)
    odd_bytes = npy(array)[:-60] + bytes(range(60))
    assert set(read(odd_bytes).samples.ravel().tolist()) == {0, 1}


def test_which_array_of_several():
    one, other = values("u1", (3, 3)), values("u1", (4,))
    for name in ("volume", "data", "arr_0"):
        assert read(npz(**{"a": other, name: one})).shape == (3, 3)
    assert read(npz(data=other, volume=one, arr_0=other)).shape == (3, 3)
    refused(npz(x=one, y=other), "arrays in the file: x, y; expected one, or one called volume or")


def test_archive_without_arrays():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "text")
    assert not is_volume(file.getvalue())
    refused(file.getvalue(), "not a volume")
    renamed = npz(x=values("u1", (3,))).replace(b"x.npy", b"x.txt")
    refused(renamed[:30] + b"x.npy" + renamed[35:], "arrays in the file: none; expected one")


NIFTI = [
    *[("u1", 2), ("i2", 4), ("i4", 8), ("f4", 16), ("f8", 64), ("i1", 256), ("u2", 512)],
    *[("u4", 768), ("i8", 1024), ("u8", 1280)],
]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("dtype", "code"), NIFTI)
def test_nifti(dtype, code, order):
    array = values(dtype, (3, 4, 5))
    for data in (nii(array, code, order), gzip.compress(nii(array, code, order))):
        assert is_volume(data)
        signal = read(data)
        assert signal.samples.dtype == np.dtype(dtype if dtype in KEPT else "f4")
        np.testing.assert_array_equal(signal.samples[..., 0], array)


@pytest.mark.parametrize("order", ["<", ">"])
def test_nifti_that_is_scaled(order):
    array = values("i2", (3, 4, 5))
    signal = read(nii(array, 4, order, (0.5, -10.0)))
    assert signal.samples.dtype == np.float32
    np.testing.assert_array_equal(signal.samples[..., 0], array * 0.5 - 10)
    for scale in ((1.0, 0.0), (0.0, 5.0), (np.nan, 0.0), (2.0, np.inf)):
        assert read(nii(array, 4, order, scale)).samples.dtype == np.int16
    refused(nii(array.astype("f8"), 64, order, (3e38, 0.0)), "infinite")


def test_axes_of_nifti():
    array = values("u1", (3, 4, 5))
    assert read(nii(array[0], 2)).shape == (4, 5)
    assert read(nii(array[0, 0], 2)).shape == (5,)
    assert read(nii(array[:, :1], 2)).shape == (3, 1, 5)
    assert read(nii(array[..., None], 2)).shape == (3, 4, 5)
    times = values("u1", (3, 4, 5, 2))
    for dims in ((4, 3, 4, 5, 2, 1, 1, 1), (5, 3, 4, 5, 1, 2, 1, 1)):
        np.testing.assert_array_equal(read(nii(times, 2, dims=dims)).samples, times)
    refused(nii(values("u1", (2, 2, 2, 5)), 2), "2 x 2 x 2 x 5; expected 1 to 3 axes")
    refused(nii(array, 2, dims=(5, 3, 1, 1, 2, 2, 1, 1)), "3 x 1 x 1 x 2 x 2; expected")
    refused(nii(array, 2, dims=(0, 3, 4, 5, 1, 1, 1, 1)), "volume of 0 axes")
    refused(nii(array, 2, dims=(3, -3, -4, 5, 1, 1, 1, 1)), "damaged volume")


@pytest.mark.parametrize(("code", "colours"), [(128, 3), (2304, 4)])
def test_colours_of_nifti(code, colours):
    array = values("u1", (3, 4, 5, colours))
    data = nii(np.moveaxis(array, -1, 0), code, dims=(3, 3, 4, 5, 1, 1, 1, 1))
    np.testing.assert_array_equal(read(data).samples, array)


def test_offset_of_nifti():
    array = values("u1", (3, 4, 5))
    for offset in (0.0, 400.0):
        np.testing.assert_array_equal(read(nii(array, 2, offset=offset)).samples[..., 0], array)
    for offset in (np.nan, -8.0, 1e20):
        data = bytearray(nii(array, 2))
        struct.pack_into("<f", data, 108, offset)
        refused(bytes(data), "values at byte")


def test_refused_nifti():
    array = values("u1", (3, 4, 5))
    refused(nii(array, 1), "values of NIfTI type 1; expected")
    refused(nii(array, 32), "type 32")
    refused(nii(array, 2)[:-1], "volume is cut short")
    refused(nii(array, 2).replace(b"n+1", b"ni1"), "not a volume")
    refused(nii(array, 2)[:348], "cut short")
    packed = gzip.compress(nii(array, 2))
    refused(packed[:-9], "damaged volume")
    refused(packed[:-6] + b"\0\0" + packed[-4:], "damaged volume")
    assert not is_volume(packed[:20])
    assert not is_volume(packed[:10] + b"\xff" * 99)
    assert not is_volume(gzip.compress(b"text"))
    with pytest.raises(InputError, match="not a NIfTI-1 file"):
        nifti.read(b"text")


def test_refused_arrays(tmp_path):
    refused(b"", "file is empty")
    refused(b"text", r"not a volume, or damaged at its start \(known: .npy, .npz, NIfTI-1\)")
    refused(npy(np.array(3.0)), "array of no axes")
    refused(npy(np.zeros((2, 2, 2, 5))), "2 x 2 x 2 x 5; expected 1 to 3 axes, then 1 to 4 values")
    refused(npy(np.zeros((1,) * 5)), "expected 1 to 3 axes")
    refused(npy(np.zeros((3, 0))), "3 x 0 has no samples")
    refused(npy(np.array([{}])), "array of object")
    refused(npy(np.zeros(3, complex)), "complex128; expected booleans, integers or floats")
    refused(npy(np.zeros(9))[:-1], "array is cut short")
    refused(b"\x93NUMPY\1\0\4\0{}{}", "damaged volume")
    refused(npz(a=np.zeros(50))[:-30], "damaged volume")
    with pytest.raises(InputError, match="No such file"):
        read_volume(tmp_path / "missing.npy", "it")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(value):
    array = values("f4", (3, 4))
    array[1, 2] = value
    refused(npy(array), "NaN or infinite")
    refused(npy(array.astype("f8")), "NaN or infinite")
    huge = npy(np.where(np.isfinite(array), array.astype("f8"), 1e300))
    refused(huge, "above 3.4e\\+38")


def test_too_many_samples(monkeypatch):
    monkeypatch.setattr(sizes, "MAX_SAMPLES", 59)
    array = values("u1", (3, 4, 5))
    for data in (npy(array), npz(a=array), nii(array, 2)):
        refused(data, "of 3 x 4 x 5 has 60 samples, above the limit of 59")


def test_changed_bytes_of_an_archive_are_noticed():
    data = npz(volume=values("u1", (3, 4, 5)))
    start = data.index(b"\x93NUMPY") + 128
    for place in range(start, start + 60, 7):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        refused(changed, "damaged volume: Bad CRC-32")


@pytest.mark.parametrize("format_name", ["npy", "npz", "nii", "nii.gz"])
@pytest.mark.parametrize("dtype", KEPT)
@pytest.mark.parametrize("shape", [(7, 1), (5, 6, 1), (3, 4, 5, 1), (3, 4, 5, 3)])
def test_round_trip(shape, dtype, format_name):
    samples = values(dtype, shape)
    data = written(Signal("volume", samples), format_name)
    assert is_volume(data) == (format_name != "npy")
    result = read(data).samples
    assert result.dtype == samples.dtype
    np.testing.assert_array_equal(result, samples)


@pytest.mark.parametrize("format_name", ["npy", "npz", "nii"])
def test_masks_make_the_round_trip(format_name):
    samples = values("?", (3, 4, 5, 1)).astype(np.uint8)
    result = read(written(Signal("volume", samples, bits=1), format_name))
    assert result.depth == (8 if format_name == "nii" else 1)  # NIfTI-1 has no booleans
    np.testing.assert_array_equal(result.samples, samples)


def test_channels_of_fewer_axes():
    samples = values("u1", (4, 5, 3))
    signal = Signal("volume", samples)
    np.testing.assert_array_equal(np.load(io.BytesIO(written(signal, "npy"))), samples)
    np.testing.assert_array_equal(read(written(signal, "nii")).samples, samples[:, :, None])


def test_written_header_of_nifti():
    array = values("i2", (3, 4, 5))
    ours = written(Signal("volume", array[..., None]), "nii")
    assert ours == nii(array, 4, scale=(1.0, 0.0))


def test_sides_that_do_not_fit():
    long = Signal("volume", np.zeros((2**15, 1), np.uint8))
    assert read(written(long, "npz")).shape == (2**15,)
    with pytest.raises(OptionError, match=r"nii holds 32767 values along an axis, not \(32768,\)"):
        written(long, "nii")


def test_files_do_not_tell_the_time():
    signal = Signal("volume", values("u1", (3, 4, 5, 1)))
    assert written(signal, "nii.gz")[4:8] == bytes(4)
    data = written(signal, "npz")
    assert written(signal, "npz") == data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (member,) = archive.infolist()
    assert (member.filename, member.date_time) == ("volume.npy", (1980, 1, 1, 0, 0, 0))
    np.testing.assert_array_equal(np.load(io.BytesIO(data))["volume"], signal.samples[..., 0])


def test_format_from_the_suffix():
    signal = Signal("volume", values("u1", (3, 4, 5, 1)))
    for name, start in (("a.NPY", b"\x93NUMPY"), ("a.b.nii", b"\\\1"), ("a.nii.gz", b"\x1f\x8b")):
        file = io.BytesIO()
        write_volume(signal, file, name)
        assert file.getvalue().startswith(start)
    assert written(signal, ".nii.gz").startswith(b"\x1f\x8b")
    for name in ("a.gz", "a.xyz"):
        with pytest.raises(OptionError, match=f"cannot write a volume as '{name[2:]}'; formats: n"):
            write_volume(signal, io.BytesIO(), name)


def test_failures_are_output_errors():
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="it: cannot be written: No space left"):
        write_volume(Signal("volume", values("u1", (3, 1))), Full(), "it", "npy")
    with pytest.raises(OutputError, match="it: cannot be made a nii: "):
        written(Signal("volume", np.zeros((3, 1))), "nii")
