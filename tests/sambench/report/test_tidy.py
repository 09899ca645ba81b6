"""Tables as text that does not depend on the last bits of a machine."""

import io

import numpy as np
import pandas as pd

from sambench.report.tidy import csv_text


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
