"""Cropping: parts of files without refitting, in NumPy only."""

from inrcodec.cropping.files import crop as crop
