"""Values on the command line that are more than a number or a word."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
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


@dataclass(frozen=True)
class Moment:
    """A place along time, at least 0: in seconds, or counted in frames or samples."""

    value: Fraction
    counted: bool

    def index(self, rate: Fraction) -> int:
        """The nearest frame or sample, with so many in a second; between two the later one."""
        return math.floor(self.value if self.counted else self.value * rate + Fraction(1, 2))


def parse_moment(text: str) -> Moment:
    """Seconds from "1.5" or "1.5s", a frame or sample from "36f"."""
    match = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)s?|([0-9]{1,12})f", text, re.ASCII)
    if not match:
        raise ValueError(text)
    return Moment(Fraction(match[1] or match[2]), match[2] is not None)


def parse_region(text: str) -> tuple[int, ...]:
    """(x, y, width, height) in pixels from "X,Y,W,H"; width and height at least 1.

    Of one or three axes likewise: first all starts, then all sizes.
    """
    if not re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9}){1,5}", text, re.ASCII):
        raise ValueError(text)
    numbers = tuple(map(int, text.split(",")))
    if len(numbers) % 2 or not all(numbers[len(numbers) // 2 :]):
        raise ValueError(text)
    return numbers


def parse_scale(text: str) -> Fraction:
    """A factor: 1/k from "1/k" with a whole k, or from 1 on, as "2" or "1.5"."""
    match = re.fullmatch(r"1/[1-9][0-9]{0,6}|[1-9][0-9]{0,3}(?:\.[0-9]{1,6})?", text, re.ASCII)
    if not match:
        raise ValueError(text)
    return Fraction(text)


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
MOMENT = Parsed("moment", parse_moment, "seconds such as 1.5 or 1.5s, or a frame such as 36f")
REGION = Parsed("region", parse_region, "X,Y,W,H in whole pixels, W and H at least 1")
SCALE = Parsed("scale", parse_scale, "1/k with a whole number k, or a factor from 1 on")
SETTING = Parsed("setting", parse_setting, "KEY=VALUE")
