"""The table that a paper takes."""

from collections.abc import Callable
from dataclasses import replace

from sambench.analysis.leaderboard import analyse
from sambench.records import Records
from sambench.render import latex

Make = Callable[..., Records]


def test_a_line_per_variant_and_the_answer_as_caption(make: Make):
    found = analyse(make({"plain": 0.93, "sam": 0.95, "esam": 0.92}))
    text = latex.table(found)
    inside = text.split("\\midrule\n")[1].split("\n\\bottomrule")[0].splitlines()
    assert [line.split(" & ")[0] for line in inside] == ["sam", "plain", "esam"]
    assert all(line.count(" & ") == 6 and line.endswith(" \\\\") for line in inside)
    assert " & -- & -- & b & 120 " in inside[1] and "$-$" in inside[2]
    assert "beats tuned plain" in text and "\\begin{tabular}{lrrrrrr}" in text


def test_what_latex_would_misread_is_escaped(make: Make):
    study = make({"plain": 0.93, "sam": 0.95})
    runs = [replace(r, variant=r.variant.replace("sam", "look_sam")) for r in study.records]
    text = latex.table(analyse(Records(study.header, runs)))
    assert "look\\_sam &" in text and "with 40\\% wrong labels" in text
    assert latex.escape(r"a\b{c}~^&#$") == (
        r"a\textbackslash{}b\{c\}\textasciitilde{}\textasciicircum{}\&\#\$"
    )
