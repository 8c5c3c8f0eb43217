"""inrcodec: signals stored as small neural networks, fitted to one signal each.

The names below are loaded when they are first used, so that `import inrcodec` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inrcodec.api import compare as compare
    from inrcodec.api import crop as crop
    from inrcodec.api import decode as decode
    from inrcodec.api import encode as encode
    from inrcodec.api import extend as extend
    from inrcodec.api import info as info
    from inrcodec.api import verify as verify
    from inrcodec.signals import Signal as Signal

__version__ = "0.1.0"
__all__ = [
    "Signal",
    "__version__",
    "compare",
    "crop",
    "decode",
    "encode",
    "extend",
    "info",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'inrcodec' has no attribute {name!r}")
    return getattr(import_module("inrcodec.signals" if name == "Signal" else "inrcodec.api"), name)
