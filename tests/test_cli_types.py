"""Sizes, times, regions and the like, as typed on the command line."""

from fractions import Fraction

import pytest

from inrcodec.cli.types import (
    Moment,
    parse_duration,
    parse_moment,
    parse_positive,
    parse_region,
    parse_scale,
    parse_setting,
    parse_size,
)


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_size, "20000", 20000),
        (parse_size, "20k", 20_000),
        (parse_size, "1.5M", 1_500_000),
        (parse_size, "1.001k", 1001),
        (parse_duration, "90", 90.0),
        (parse_duration, "90s", 90.0),
        (parse_duration, "5m", 300.0),
        (parse_duration, "1.5h", 5400.0),
        (parse_positive, "0.3", 0.3),
        (parse_positive, "1e-3", 0.001),
        (parse_region, "0,1,2,3", (0, 1, 2, 3)),
        (parse_region, "0,5", (0, 5)),
        (parse_region, "0,1,2,3,4,5", (0, 1, 2, 3, 4, 5)),
        (parse_moment, "0", Moment(Fraction(0), False)),
        (parse_moment, "1.5", Moment(Fraction(3, 2), False)),
        (parse_moment, "1.5s", Moment(Fraction(3, 2), False)),
        (parse_moment, "36f", Moment(Fraction(36), True)),
        (parse_scale, "1", Fraction(1)),
        (parse_scale, "2", Fraction(2)),
        (parse_scale, "1.5", Fraction(3, 2)),
        (parse_scale, "1/8", Fraction(1, 8)),
        (parse_setting, "bases=4,4/4,6", ("bases", "4,4/4,6")),
        (parse_setting, "key=a=b", ("key", "a=b")),
    ],
)
def test_good_text_is_parsed(parse, text, value):
    assert parse(text) == value
    assert type(parse(text)) is type(value)


@pytest.mark.parametrize(
    ("parse", "text"),
    [(parse_size, text) for text in ("", "0", "-1", "1.5", "20kB", "20m", "k", "1e3", " 1", "٣")]
    + [(parse_duration, text) for text in ("", "0", "0s", "5 m", "1d", "-3", "inf", "nan")]
    + [(parse_positive, text) for text in ("0", "-1", "nan", "inf", "x")]
    + [
        (parse_region, text)
        for text in ("", "1,2,3", "0,0,0,5", "0,0,5,0", "-1,0,5,5", "1,2,3,4,5", "1,2,3,4,5,0")
    ]
    + [(parse_moment, text) for text in ("", "-1", "1.5f", "5m", "1e3", ".5", "inf", "٣")]
    + [(parse_scale, text) for text in ("", "0", "1/0", "2/1", "1/-2", "0.5", "1/2/2", "1e3")]
    + [(parse_setting, text) for text in ("", "width", "=3")],
)
def test_bad_text_is_refused(parse, text):
    with pytest.raises(ValueError):
        parse(text)
