"""Meshes in and out of files: read as occupancy volumes, written as the surface of one."""

from inrcodec.signals.mesh_read import is_mesh, read_mesh
from inrcodec.signals.mesh_write import MESH_FORMATS, mesh_format_for, mesh_of, write_mesh

__all__ = ["MESH_FORMATS", "is_mesh", "mesh_format_for", "mesh_of", "read_mesh", "write_mesh"]
