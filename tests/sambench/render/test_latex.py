"""The table that a paper takes."""

from dataclasses import replace

from boards import board, row

from sambench.render import latex


def test_a_line_per_arm_and_the_answer_as_caption():
    found = board([row("sam", 0.92), row("plain", 0.9, "b"), row("esam", 0.88, "c")])
    text = latex.table(found)
    inside = text.split("\\midrule\n")[1].split("\n\\bottomrule")[0].splitlines()
    assert inside == [
        r"sam & 92.00 $\pm$ 1.00 & 2.00$\times$ & +2.00 [+1.00, +3.00] & a & 0.010 & 4 \\",
        r"plain & 90.00 $\pm$ 1.00 & 1.00$\times$ & -- & b & -- & 8 \\",
        r"esam & 88.00 $\pm$ 1.00 & 2.00$\times$ & $-$2.00 [$-$3.00, $-$1.00] & c & 0.010 & 4 \\",
    ]
    assert r"\caption{Which one? sam beats plain. Accuracy on 600 test items: tuned(k)" in text
    assert "\\begin{table}\n\\centering\n" in text
    assert r"\begin{tabular}{lrrrlrr}" in text and text.count(" & ") == 4 * 6
    heads = text.split("\\toprule\n")[1].splitlines()[0]
    assert heads.startswith(
        r"arm & \shortstack[r]{tuned(k),\\{}\%} & \shortstack[r]{cost of\\{}a run}"
    )
    assert r"\\{}[95\% CI]" in heads  # a bracket behind \\ would be taken for a length


def test_fixed_settings_have_seeds_and_no_trials():
    found = board([row("sam", 0.92), row("plain", 0.9, "b")], kind="fixed")
    text = latex.table(found)
    assert "mean over paired seeds" in text and "tuned(k)" not in text
    assert r"arm & \shortstack[r]{test\\{}accuracy, \%}" in text and "trials" not in text


def test_what_latex_would_misread_is_escaped():
    found = board([row("look_sam", 0.92), row("plain")], question="What with 40% wrong?")
    text = latex.table(found)
    assert "look\\_sam &" in text and "with 40\\% wrong" in text
    assert latex.escape(r"a\b{c}~^&#$") == (
        r"a\textbackslash{}b\{c\}\textasciitilde{}\textasciicircum{}\&\#\$"
    )


def test_nothing_ranked_has_neither_groups_nor_differences():
    found = board([row("sam", None), row("plain", None)])
    scored = replace(found, rows=tuple(replace(one, score=None) for one in found.rows))
    assert r"\begin{tabular}{lrrr}" in latex.table(scored)
