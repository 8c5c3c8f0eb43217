"""The .inr file format, version 1 (see bitstream_spec.md)."""

from inrcodec.container.header import Header as Header
from inrcodec.container.header_codec import describe as describe
from inrcodec.container.header_fields import Kind as Kind
from inrcodec.container.header_fields import Net as Net
from inrcodec.container.header_fields import Storage as Storage
from inrcodec.container.metadata import unpack_metadata as unpack_metadata
from inrcodec.container.sections import ParsedFile as ParsedFile
from inrcodec.container.sections import Section as Section
from inrcodec.container.sections import join as join
from inrcodec.container.sections import overhead as overhead
from inrcodec.container.sections import pack_file as pack_file
from inrcodec.container.sections import parse_file as parse_file
