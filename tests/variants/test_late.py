"""A rule late in the run, or at every few steps: when it runs, what it costs, what it sees."""

import pytest

import variants
from variants import Update
from variants.testing import Run


def passes(variant: variants.Variant, total: int) -> list[float]:
    run = Run(variant, total_steps=total)
    return [float(run.step().opt.last["passes"]) for _ in range(total)]


@pytest.mark.parametrize(
    ("start", "every", "total", "at"),
    [
        (0.0, 1, 4, [0, 1, 2, 3]),
        (0.0, 3, 8, [0, 3, 6]),
        (0.75, 1, 12, [9, 10, 11]),
        (0.5, 2, 12, [6, 8, 10]),
        (0.55, 1, 20, list(range(11, 20))),
        (1.0, 1, 5, []),
    ],
)
def test_runs_where_its_schedule_says(start, every, total, at):
    late = variants.create("late_sam", start=start, every=every)
    found = passes(late, total)
    assert found == [2.0 if step in at else 1.0 for step in range(total)]
    assert abs(sum(found) / total - late.passes) < 1 / total
    phases = [late.phase_of(step, total) != "base" for step in range(total)]
    assert phases == [step in at for step in range(total)]


class Counts(variants.Variant):
    """The base optimizer, which writes down when it was asked."""

    seen: list

    @property
    def passes(self) -> float:
        return 1.0

    def direction(self, oracle, state):
        self.seen.append((oracle.step, oracle.total_steps))
        return Update(oracle.grad().grads), state


def test_the_inner_rule_counts_its_own_steps():
    rule = Counts(seen=[])
    passes(variants.create("late_sam", inner=rule, start=0.5, every=2), 10)
    assert rule.seen == [(0, 3), (1, 3), (2, 3)]


def test_periods_run_over_its_own_steps():
    every_other = variants.create("late_sam", inner=variants.create("looksam", k=2), start=0.25)
    assert passes(every_other, 8) == [1, 1, 2, 1, 2, 1, 2, 1]


def test_a_name_stands_for_a_variant_and_rho_is_the_inner_one_s():
    late = variants.create("late_sam", inner="asam", rho=0.5)
    assert late == variants.create("late_sam", inner=variants.create("asam"), rho=0.5)
    assert repr(late).startswith("LateSAM(rho=0.5, inner=ASAM(rho=0.5, ")
    assert "inner=ASAM(" in repr(variants.create("m_sam", inner="asam"))
    with pytest.raises(ValueError, match="unknown variant 'asma'; did you mean asam"):
        variants.create("late_sam", inner="asma")


def test_says_what_it_needs(task):
    t = task()
    with pytest.raises(ValueError, match="late_sam needs the length of the run"):
        t.driver("late_sam")
    t.driver("late_sam", start=0.0, every=5)
    with pytest.raises(ValueError, match="inner must do all its work before the step, got SAMPa"):
        variants.create("late_sam", inner="sampa")
