"""Tables as text that does not depend on the last bits of a machine."""

import io
from decimal import Decimal

import numpy as np
import pandas as pd

from sambench.analysis.csv_tables import csv_text, published


def test_nine_digits():
    values = [1 / 3, 2 / 3 * 1e-7, 1e20, -123456.123456789, 240.0, 0.0, np.nan, 1e-300, np.inf]
    frame = pd.DataFrame({"x": values})
    nudged = pd.DataFrame({"x": np.nextafter(values, np.inf)})
    assert csv_text(frame).splitlines()[1:7] == [
        "0.333333333",
        "6.66666667e-8",
        "1e+20",
        "-123456.123",
        "240",
        "0",
    ]
    assert csv_text(nudged).splitlines()[1:6] == csv_text(frame).splitlines()[1:6]


def test_pandas_reads_it_back():
    frame = pd.DataFrame(
        {"variant": ["a", 'b, "c"', ""], "n": [1, 2, 3], "x": [0.5, np.nan, 1.0], "y": [True] * 3}
    )
    found = pd.read_csv(io.StringIO(csv_text(frame)), keep_default_na=False, na_values={"x": ""})
    pd.testing.assert_frame_equal(found, frame)


def test_texts_are_quoted_only_where_they_must_be():
    assert csv_text(pd.DataFrame({"a": ["x", "y"]})) == "a\nx\ny\n"
    assert csv_text(pd.DataFrame({"a": ["x", "y,z"]})) == 'a\n"x"\n"y,z"\n'
    assert csv_text(pd.DataFrame({"a": pd.Series([], dtype="str")})) == "a\n"


def test_a_tie_of_the_text_goes_to_the_even_digit():
    """12379/25600 = 0.4835546875; the double lies beside it, on a side that its sum decides."""
    values = [12379 / 25600, 0.4835546865, 0.1234567885, 1.0000000005e-7, 123456789.5, 2.5e-300]
    found = published(np.array(values)).tolist()
    assert found == [0.483554688, 0.483554686, 0.123456788, 1e-7, 123456790.0, 2.5e-300]


def test_the_fast_way_rounds_as_decimals_do():
    draw = np.random.default_rng(0)
    values = np.concatenate([10 ** draw.uniform(-20, 24, 2000), -draw.random(2000)])
    values = np.concatenate([values, np.arange(1, 2000) / 25600, 10.0 ** np.arange(-16, 20)])
    known = [x if x == round(x) else float(f"{Decimal(repr(x)):.8e}") for x in values.tolist()]
    below = values < 1e15
    assert published(values)[below].tolist() == np.array(known)[below].tolist()
