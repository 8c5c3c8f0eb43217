"""Which formats outputs can have, without importing what writes them."""

# Kind of signal -> format name -> suffix of the default output name; the first is the default.
# A mask is a volume of three axes that says what is inside.
FORMATS = {
    "image": {
        "png": ".png",
        "tiff": ".tiff",
        "webp": ".webp",
        "avif": ".avif",
        "jpeg": ".jpg",
        "bmp": ".bmp",
        "ppm": ".ppm",
        "pgm": ".pgm",
        "npy": ".npy",
    },
    "audio": {"wav": ".wav", "flac": ".flac", "ogg": ".ogg", "aiff": ".aiff", "npy": ".npy"},
    "video": {"y4m": ".y4m", "mp4": ".mp4", "gif": ".gif", "npy": ".npy", "png": ".png"},
    "volume": {"npy": ".npy", "npz": ".npz", "nii": ".nii", "nii.gz": ".nii.gz"},
    "mask": {
        "npy": ".npy",
        "npz": ".npz",
        "nii": ".nii",
        "nii.gz": ".nii.gz",
        "ply": ".ply",
        "obj": ".obj",
        "stl": ".stl",
    },
}
SUFFIXES = {name: suffix for known in FORMATS.values() for name, suffix in known.items()}
DEFAULTS = {kind: next(iter(known)) for kind, known in FORMATS.items()}


def formats_in_words() -> str:
    """The formats of each kind."""
    return "; ".join(f"{kind}: {', '.join(known)}" for kind, known in FORMATS.items())
