"""Meshes become occupancy volumes, and volumes meshes."""

import io
import sys

import numpy as np
import pytest
import trimesh

from inrcodec.errors import InputError, OptionError, OutputError
from inrcodec.signals import Signal, sizes
from inrcodec.signals.mesh import is_mesh, mesh_of, read_mesh, write_mesh
from inrcodec.signals.occupancy import occupancy

BOX_WITH_SEAMS = b"""# M\xfcller's cube: two objects, quads, a texture whose seams part the vertices
mtllib cube.mtl
o one
usemtl red
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 0 0 1
v 1 0 1
v 1 1 1
v 0 1 1
vt 0 0
vt 1 0
vt 1 1
f 1/1 4/2 3/3 2/1
f 5/1 6/2 7/3 8/1
f 1/2 2/1 6/3 5/1
o other
usemtl blue
f 2/1 3/2 7/3 6/1
f 3/1 4/2 8/3 7/1
f 4/1 1/2 5/3 8/1
"""


def ball(scale=(1, 1, 1), subdivisions=3):
    mesh = trimesh.creation.icosphere(subdivisions)
    mesh.vertices *= scale
    return mesh


def saved(mesh, format_name, **options):
    data = mesh.export(file_type=format_name, **options)
    return data.encode() if isinstance(data, str) else data


def read(data, resolution=16, name="it"):
    return read_mesh(io.BytesIO(data), name, resolution)


def inside(data, resolution=16):
    return read(data, resolution).samples[..., 0]


def volume(array):
    return Signal("volume", np.asarray(array)[..., None].astype(np.uint8), bits=1)


def written(signal, format_name):
    file = io.BytesIO()
    write_mesh(signal, file, "it", format_name)
    return file.getvalue()


def ball_of(shape, radii):
    """Voxels whose centres lie in an ellipsoid of these radii around the middle."""
    axes = [(np.arange(n) - (n - 1) / 2) / r for n, r in zip(shape, radii, strict=True)]
    return sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij")) < 1


@pytest.mark.parametrize("format_name", ["ply", "obj", "stl", "stl_ascii"])
def test_ellipsoid(format_name):
    data = saved(ball((1, 0.8, 0.5), 5), format_name)
    assert is_mesh(data, "")
    signal = read(data, 32)
    assert (signal.kind, signal.depth, signal.samples.dtype) == ("volume", 1, np.uint8)
    assert signal.samples.shape == (32, 26, 17, 1)
    wrong = signal.samples[..., 0] != ball_of((32, 26, 17), (15, 12, 7.5))
    assert wrong.sum() <= 8


def test_ascii_ply():
    mesh = ball()
    np.testing.assert_array_equal(
        inside(saved(mesh, "ply", encoding="ascii")), inside(saved(mesh, "ply"))
    )


def test_box_of_separate_sides():
    """Its sides share no vertices, and its edges and diagonals run along and through the lines."""
    occupied = inside(BOX_WITH_SEAMS)
    assert occupied.shape == (16, 16, 16)
    expected = np.zeros((16, 16, 16))
    expected[1:-1, 1:-1, 1:-1] = 1
    np.testing.assert_array_equal(occupied, expected)


def test_size_and_place_do_not_count():
    mesh = ball((1, 0.8, 0.5))
    expected = inside(saved(mesh, "ply"))
    mesh.vertices = mesh.vertices * 64 + (1024, -512, 4096)
    assert (inside(saved(mesh, "ply")) != expected).mean() < 1e-3


def test_sides_are_in_proportion():
    for extents, shape in (
        ((4, 2, 1), (18, 10, 6)),
        ((1, 16, 5), (3, 18, 7)),
        ((1, 0.01, 0.3), (18, 3, 7)),
    ):
        assert read(saved(trimesh.creation.box(extents), "ply"), 18).shape == shape


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_missing_cap(axis):
    mesh = ball((0.9, 0.8, 1), 4)
    triangles = (mesh.vertices[mesh.faces] + 1.1) * 14
    whole = occupancy(triangles, (31, 31, 31))
    open_below = occupancy(triangles[triangles[:, :, axis].min(axis=1) > 8], (31, 31, 31))
    assert not np.moveaxis(open_below, axis, 0)[:6].any()
    wrong = np.moveaxis(open_below != whole, axis, 0)
    assert not wrong[10:].any()


def test_many_small_holes():
    mesh = ball(subdivisions=5)
    expected = inside(saved(mesh, "ply"), 32)
    mesh.update_faces(np.random.default_rng(0).random(len(mesh.faces)) > 0.03)
    assert (inside(saved(mesh, "ply"), 32) != expected).sum() < 0.002 * expected.sum()


def crossings_before(point, triangles, axis):
    """Triangles hit by the ray from `point` down along an axis, by solving for the hit."""
    hits = 0
    for corners in triangles:
        edges = np.column_stack(
            [corners[1] - corners[0], corners[2] - corners[0], -np.eye(3)[axis]]
        )
        if abs(np.linalg.det(edges)) > 1e-12:
            u, v, t = np.linalg.solve(edges, point - corners[0])
            hits += u >= 0 and v >= 0 and u + v <= 1 and t <= 0
    return hits


def test_against_rays_one_by_one():
    mesh = ball((1, 0.8, 0.9), 1)
    mesh.vertices += np.random.default_rng(0).normal(0, 0.04, mesh.vertices.shape)
    triangles = (mesh.vertices[mesh.faces] + 1.3) * 3.1
    occupied = occupancy(triangles, (9, 9, 9))
    for point in np.random.default_rng(1).integers(0, 9, (60, 3)):
        assert occupied[tuple(point)] == crossings_before(point, triangles, 2) % 2


def test_lines_through_corners_and_edges_count_once():
    """All corners are grid points; each point of the open interior is inside."""
    corners = np.array([[4, 4, 1], [4, 4, 7], [1, 4, 4], [7, 4, 4], [4, 1, 4], [4, 7, 4]])
    faces = [(p, q, r) for p in (0, 1) for q in (2, 3) for r in (4, 5)]
    grid = np.stack(np.meshgrid(*[np.arange(9)] * 3, indexing="ij"), axis=-1)
    distance = np.abs(grid - 4).sum(axis=-1)
    occupied = occupancy(corners[np.array(faces)].astype(float), (9, 9, 9))
    assert occupied[distance < 3].all()
    assert not occupied[distance > 3].any()


def test_blocks_do_not_matter(monkeypatch):
    triangles = (ball().vertices[ball().faces] + 1.2) * 5
    expected = occupancy(triangles, (12, 12, 12))
    monkeypatch.setattr("inrcodec.signals.occupancy._BLOCK", 7)
    np.testing.assert_array_equal(occupancy(triangles, (12, 12, 12)), expected)


def refused(data, reason, resolution=16, error=InputError):
    with pytest.raises(error, match=reason) as caught:
        read(data, resolution)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_refused_files(tmp_path):
    assert refused(b"", "file is empty").startswith("it: ")
    refused(b"just text", r"not a mesh, or damaged at its start \(known: obj, ply, stl\)")
    refused(saved(ball(), "ply")[:-50], "damaged mesh")
    refused(saved(trimesh.PointCloud(np.eye(3)), "ply"), "mesh has no faces")
    refused(b"v 1 2 3\n", "mesh has no faces|damaged mesh")
    refused(b"v 1 2 3\nf 1 1 1\n", "mesh has no extent")
    refused(b"v 0 0 0\nv 0 1 0\nv 1 0 0\nf 1 2 3\n", "encloses no voxel at a resolution of 16")
    refused(b"v 0 0 0\nv 0 nan 0\nv 1 0 0\nf 1 2 3\n", "NaN or infinite")
    with pytest.raises(InputError, match="No such file"):
        read_mesh(tmp_path / "missing.obj", "it", 16)


def test_resolutions(monkeypatch):
    assert read(saved(ball(), "ply"), 4).shape == (4, 4, 4)
    for resolution in (3, 1025):
        refused(
            saved(ball(), "ply"), f"4 to 1024 voxels, not {resolution}", resolution, OptionError
        )
    monkeypatch.setattr(sizes, "MAX_SAMPLES", 999)
    refused(saved(ball(), "ply"), "resolution 10 makes 1000 voxels", 10, OptionError)


@pytest.mark.parametrize("format_name", ["ply", "obj", "stl"])
def test_changed_bytes_give_a_volume_or_an_input_error(format_name, capfd):
    rng = np.random.default_rng(0)
    mesh = saved(ball(subdivisions=1), format_name)
    for turn in range(40):
        data = bytearray(mesh)
        data[rng.integers(min(len(data), 200) if turn % 2 else len(data))] ^= int(
            rng.integers(1, 256)
        )
        try:
            assert read(bytes(data), 8).samples.any()
        except InputError as error:
            assert "\n" not in str(error)
    assert capfd.readouterr() == ("", "")


def test_what_is_a_mesh():
    for name in ("a.obj", "a.PLY", "a.stl"):
        assert is_mesh(b"anything", name)
    assert is_mesh(b"# a comment\r\nv -1.5 .5 1e-3\r\n", "it")
    assert not is_mesh(b"v one two three\n", "it")
    assert not is_mesh(b"\0\0v 1 2 3\n", "it")
    assert not is_mesh(b"solid ground\n", "it")
    assert not is_mesh(bytes(84), "it")
    assert not is_mesh(b"", "")


@pytest.mark.parametrize("module", ["trimesh", "skimage.measure"])
def test_missing_libraries(module, monkeypatch):
    data = saved(ball(), "ply")
    monkeypatch.setitem(sys.modules, module, None)
    wanted = r"pip install 'inrcodec\[mesh\]'"
    if module == "trimesh":
        assert refused(data, wanted).startswith("it: ")
    with pytest.raises(OptionError, match=wanted):
        written(volume(np.ones((3, 3, 3))), "ply")


def edges_of(faces):
    return np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])


def test_surface_is_closed_and_faces_outwards():
    occupied = np.random.default_rng(0).random((6, 7, 8)) < 0.5  # reaches the borders
    vertices, faces = mesh_of(volume(occupied))
    assert (vertices.dtype, vertices.shape[1:], faces.shape[1:]) == (np.float32, (3,), (3,))
    assert vertices.min() == -0.5 and vertices.max() == 7.5
    ways, counts = np.unique(edges_of(faces), axis=0, return_counts=True)
    assert {(a, b): n for (a, b), n in zip(ways.tolist(), counts, strict=True)} == {
        (b, a): n for (a, b), n in zip(ways.tolist(), counts, strict=True)
    }
    corners = vertices[faces].astype(float)
    enclosed = np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert 0.5 * occupied.sum() < enclosed < 1.5 * occupied.sum()


def test_volume_to_mesh_and_back():
    occupied = np.random.default_rng(0).random((6, 7, 8)) < 0.5
    vertices, faces = mesh_of(volume(occupied))
    again = occupancy(vertices[faces].astype(float) + 1, (8, 9, 10))
    np.testing.assert_array_equal(again[1:-1, 1:-1, 1:-1], occupied)
    assert again.sum() == occupied.sum()


def test_surface_of_real_values():
    ramp = np.broadcast_to(np.linspace(1, 0, 5), (4, 4, 5))
    signal = Signal("volume", ramp[..., None].astype(np.float32))
    assert mesh_of(signal)[0][:, 2].max() == pytest.approx(2)


@pytest.mark.parametrize("format_name", ["ply", "obj", "stl"])
def test_written_meshes(format_name):
    signal = volume(ball_of((12, 10, 8), (5, 4, 3)))
    data = written(signal, format_name)
    assert written(signal, format_name) == data
    vertices, faces = mesh_of(signal)
    mesh = trimesh.load(io.BytesIO(data), format_name, force="mesh", process=False)
    np.testing.assert_array_equal(mesh.vertices[mesh.faces], vertices[faces])


def test_format_from_the_suffix():
    file = io.BytesIO()
    write_mesh(volume(np.ones((2, 2, 2))), file, "a.PLY")
    assert file.getvalue().startswith(b"ply\nformat binary_little_endian")
    with pytest.raises(OptionError, match="cannot write a mesh as 'glb'; formats: ply, obj, stl"):
        written(volume(np.ones((2, 2, 2))), "glb")


def test_no_surface():
    with pytest.raises(InputError, match="no sample above"):
        mesh_of(volume(np.zeros((3, 3, 3))))
    for samples in (np.ones((3, 3, 1)), np.ones((3, 3, 3, 2))):
        with pytest.raises(InputError, match="3 axes and one channel"):
            mesh_of(Signal("volume", samples.astype(np.uint8)))


def test_failures_are_output_errors(monkeypatch):
    def broken(*arguments, **options):
        raise ValueError("too large")

    monkeypatch.setattr(trimesh.Trimesh, "export", broken)
    with pytest.raises(OutputError, match="it: cannot be made a ply: too large"):
        written(volume(np.ones((2, 2, 2))), "ply")
