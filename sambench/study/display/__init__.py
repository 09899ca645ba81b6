"""What a study shows while it runs.

display     what a study calls
lines       elsewhere than on a terminal or in a notebook: a plain line per run
terminal    a block that is drawn anew, below a short log
notebook    the same as one block that holds its log
file        live.json in the study's folder, for `sambench status`
"""

from sambench.study.display.display import Display as Display
from sambench.study.display.display import noisy_validation as noisy_validation
