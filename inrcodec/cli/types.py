"""Values on the command line that are more than a number or a word."""

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import click

SIZE_UNITS = {"": 1, "k": 1000, "M": 1_000_000}
TIME_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def parse_size(text: str) -> int:
    """Bytes from "20000", "20k" or "1.5M"; at least 1. Decimal units: the smaller promise."""
    size = _with_unit(text, SIZE_UNITS)
    if size != int(size):
        raise ValueError(text)
    return int(size)


def parse_duration(text: str) -> float:
    """Seconds, above 0, from "90", "90s", "5m" or "1.5h"."""
    return float(_with_unit(text, TIME_UNITS))


def _with_unit(text: str, units: dict[str, int]) -> Decimal:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([A-Za-z]?)", text, re.ASCII)
    if not match or match[2] not in units or not Decimal(match[1]):
        raise ValueError(text)
    return Decimal(match[1]) * units[match[2]]


def parse_positive(text: str) -> float:
    """A finite float above 0."""
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(text)
    return value


def parse_region(text: str) -> tuple[int, int, int, int]:
    """(x, y, width, height) in pixels from "X,Y,W,H"; width and height at least 1."""
    if not re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9}){3}", text, re.ASCII):
        raise ValueError(text)
    x, y, width, height = map(int, text.split(","))
    if not (width and height):
        raise ValueError(text)
    return x, y, width, height


def parse_scale(text: str) -> int:
    """The divisor k from "1/k"; "1" is 1/1."""
    match = re.fullmatch(r"1(?:/([1-9][0-9]{0,6}))?", text, re.ASCII)
    if not match:
        raise ValueError(text)
    return int(match[1] or 1)


def parse_setting(text: str) -> tuple[str, str]:
    """(key, value) from "KEY=VALUE"; the key is not empty."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise ValueError(text)
    return key, value


class Parsed(click.ParamType):
    """A parameter read by a function that raises ValueError for text it does not take."""

    def __init__(self, name: str, parse: Callable[[str], Any], wanted: str) -> None:
        self.name = name
        self.parse = parse
        self.wanted = wanted

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The parsed value; a usage error that says what was wanted otherwise."""
        if not isinstance(value, str):
            return value
        try:
            return self.parse(value)
        except ValueError:
            self.fail(f"{value!r} is not {self.wanted}.", param, ctx)


SIZE = Parsed("size", parse_size, "a whole number of bytes such as 20000, 20k or 1.5M")
DURATION = Parsed("duration", parse_duration, "a time above 0 such as 90, 90s, 5m or 1h")
POSITIVE = Parsed("number", parse_positive, "a finite number above 0")
REGION = Parsed("region", parse_region, "X,Y,W,H in whole pixels, W and H at least 1")
SCALE = Parsed("scale", parse_scale, "1/k with a whole number k")
SETTING = Parsed("setting", parse_setting, "KEY=VALUE")
