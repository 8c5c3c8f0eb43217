"""Videos in and out of files: the table of formats, the readers and the writers."""

from inrcodec.signals.frame_folder import write_frames
from inrcodec.signals.video_formats import (
    READABLE_VIDEO_SUFFIXES,
    VIDEO_FORMATS,
    VideoFormat,
    is_video,
    video_format_for,
)
from inrcodec.signals.video_read import has_sound, read_video
from inrcodec.signals.video_write import write_video

__all__ = [
    "READABLE_VIDEO_SUFFIXES",
    "VIDEO_FORMATS",
    "VideoFormat",
    "has_sound",
    "is_video",
    "read_video",
    "video_format_for",
    "write_frames",
    "write_video",
]
