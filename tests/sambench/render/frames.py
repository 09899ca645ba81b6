"""Made-up tidy tables of any number of variants, with the columns of `sambench.analysis.tables`."""

import numpy as np
import pandas as pd

RANKING = "ranking variant group mean low high n difference difference_low difference_high p holm_p detectable test_set_se".split()  # noqa: E501
COLUMNS = {
    "ranking": RANKING,
    "results": "ranking variant seed test_accuracy val_accuracy outcome".split(),
    "cost": "variant gradient_evaluations wall_s step_time_s peak_memory accuracy pareto_gradients pareto_wall pareto_memory".split(),  # noqa: E501
    "search": "variant trial lr rho epochs val_accuracy outcome epochs_done source".split(),
    "divergence": "variant lr_low lr_high rho_low rho_high runs diverged".split(),
    "sensitivity": "variant radius best low high decades default regret_of_default trials note".split(),  # noqa: E501
    "budget": "variant estimator trials expected low high".split(),
    "curves": "variant epoch epochs mean low high n".split(),
}
SEEDS = range(1000, 1010)


def empty() -> dict[str, pd.DataFrame]:
    return {name: pd.DataFrame([], columns=columns) for name, columns in COLUMNS.items()}


def tables(variants: list[str]) -> dict[str, pd.DataFrame]:
    """The first variant is the baseline; the others differ a little, as real ones do."""
    draw = np.random.default_rng(len(variants))
    means = {v: float(0.9 + draw.normal(scale=0.02) * (i > 0)) for i, v in enumerate(variants)}
    base = variants[0]
    order = sorted(variants, key=lambda v: -means[v])
    found = {name: [] for name in COLUMNS}
    nan = float("nan")
    for ranking in ("equal-compute", "equal-epochs"):
        for v in order:
            mean, gap = means[v], means[v] - means[base]
            own = v != base
            v = v if own or ranking == "equal-compute" else f"{v}-equal-epochs"
            difference = [gap, gap - 0.01, gap + 0.01, 0.01, 0.02 + abs(gap), 0.02, 0.004]
            row = [ranking, v, "ab", mean, mean - 0.01, mean + 0.01, len(SEEDS)]
            found["ranking"].append([*row, *(difference if own else [nan] * 7)])
            for seed in SEEDS:
                accuracy = mean + float(draw.normal(scale=0.01))
                found["results"].append([ranking, v, seed, accuracy, 0.55, "complete"])
    for i, v in enumerate(variants):
        evaluations = 120.0 * (1 + i % 3)
        front = v == order[0]
        row = [evaluations, evaluations / 50, 0.02, 2.0**20 * (50 + i), means[v]]
        found["cost"].append([v, *row, front, front, front])
        found["budget"] += [
            [v, "U", k, means[v] - 0.2 / k, means[v] - 0.25 / k, means[v] - 0.15 / k]
            for k in range(1, 9)
        ]
        found["curves"] += [
            [v, e, 10, means[v] - 0.3 / e, means[v] - 0.32 / e, means[v] - 0.28 / e, len(SEEDS)]
            for e in range(1, 11)
        ]
        if v != base:
            found["sensitivity"].append([v, "rho", 0.1, 0.05, 0.2, 0.6, 0.05, 0.001, 8, ""])
        for t in range(8):
            lr, rho = 10.0 ** (-3 + 3 * t / 7), 10.0 ** (-2 + 1.7 * ((3 * t) % 8) / 7)
            outcome = "diverged" if t == 7 and v != base else "complete"
            score = nan if outcome == "diverged" else means[v] - 0.1 * abs(t - 4)
            runs = [v, t, lr, rho if v != base else nan, 10, score, outcome, 10, "study"]
            found["search"].append(runs)
            found["divergence"].append([v, lr, lr, nan, nan, 1, int(outcome == "diverged")])
    return {name: pd.DataFrame(rows, columns=COLUMNS[name]) for name, rows in found.items()}
