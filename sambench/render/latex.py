"""A leaderboard as a LaTeX table with booktabs, ready to paste."""

from sambench.analysis import NONE, Leaderboard
from sambench.render.tables import only, ranking
from sambench.render.texts import one_line

ESCAPES = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "<": "$<$",
    ">": "$>$",
}
HEADS = {
    "variant": "variant",
    "test accuracy, % ± 95% CI": r"accuracy, \%",
    "seeds": "seeds",
    "minus plain [unadjusted 95% CI]": "minus plain",
    "Holm p": "Holm $p$",
    "group": "group",
    "gradients": "gradients",
}
TABLE = r"""% {study}: needs \usepackage{{booktabs}}
\begin{{table}}
\caption{{{caption}}}
\label{{tab:{label}}}
\begin{{tabular}}{{lrrrrrr}}
\toprule
{heads} \\
\midrule
{rows}
\bottomrule
\end{{tabular}}
\end{{table}}
"""


def table(leaderboard: Leaderboard) -> str:
    """The answer as caption, and a line per variant."""
    lines = ranking.table(leaderboard, only(ranking.COLUMNS, *HEADS)).texts
    return TABLE.format(
        study=leaderboard.study,
        caption=escape(caption(leaderboard)),
        label=leaderboard.study,
        heads=" & ".join(HEADS.values()),
        rows="\n".join(" & ".join(map(_cell, line)) + r" \\" for line in lines),
    )


def caption(leaderboard: Leaderboard) -> str:
    """The answer, and how to read the numbers."""
    return (
        f"{leaderboard.question} {leaderboard.headline} "
        f"Accuracy on {leaderboard.num_test:,} test images, mean ± 95% confidence interval over "
        "seeds; difference from the tuned baseline paired by seed [unadjusted 95% interval]; "
        "variants that share a letter are not separated; gradients: counted evaluations in a run."
    ).strip()


def escape(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return "".join(ESCAPES.get(character, character) for character in one_line(text))


def _cell(text: str) -> str:
    """A dash stands for nothing; a sign is typeset as one."""
    if text == NONE:
        return "--"
    return escape(text).replace("-", "$-$") if text[0] in "+-" else escape(text)
