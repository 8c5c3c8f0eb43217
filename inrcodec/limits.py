"""What a decoder is willing to spend on a file it has not yet trusted."""

from dataclasses import dataclass

from inrcodec.errors import LimitExceeded


@dataclass(frozen=True)
class Limits:
    """Ceilings checked after parsing and before allocation; 0 switches a ceiling off.

    The defaults follow libavif for samples (2^28) and bound one decode to minutes on a laptop.
    """

    samples: int = 2**28
    side: int = 2**20
    macs: int = 2**44
    weights: int = 2**26
    projection: int = 2**32
    sections: int = 255
    metadata_bytes: int = 2**20

    def check(self, name: str, value: int, what: str = "") -> None:
        """Raise LimitExceeded if `value` is above the ceiling called `name`; `what` is counted."""
        ceiling = getattr(self, name)
        if ceiling and value > ceiling:
            raise LimitExceeded(
                f"file asks for {what or name} = {value}, above the limit of {ceiling}"
            )


# For files of one's own: no ceiling on what they may ask for.
NO_LIMITS = Limits(0, 0, 0, 0, 0, 0, 0)
