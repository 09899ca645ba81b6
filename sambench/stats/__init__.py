"""The statistics of a leaderboard, on numbers alone: no torch, no records, no study.

Numbers are the same on every machine, to the last bit (`sambench.stats.sums` says how).
"""

from sambench.stats import bands as bands
from sambench.stats import claims as claims
from sambench.stats import student as student
from sambench.stats import sums as sums
from sambench.stats.across import Stratified as Stratified
from sambench.stats.across import iqm as iqm
from sambench.stats.across import mean_ranks as mean_ranks
from sambench.stats.across import stratified_iqm as stratified_iqm
from sambench.stats.logarithms import evenly as evenly
from sambench.stats.multiple import adjust as adjust
from sambench.stats.multiple import groups as groups
from sambench.stats.multiple import holm as holm
from sambench.stats.paired import ALPHA as ALPHA
from sambench.stats.paired import Difference as Difference
from sambench.stats.paired import Interval as Interval
from sambench.stats.paired import image_standard_error as image_standard_error
from sambench.stats.paired import mean_interval as mean_interval
from sambench.stats.paired import minimum_detectable_difference as minimum_detectable_difference
from sambench.stats.paired import paired_difference as paired_difference
from sambench.stats.paired import t_test as t_test
from sambench.stats.pareto import pareto_front as pareto_front
from sambench.stats.proportion import exact_interval as exact_interval
from sambench.stats.ranking import RANKED_FROM as RANKED_FROM
from sambench.stats.ranking import Ranking as Ranking
from sambench.stats.ranking import afforded as afforded
from sambench.stats.ranking import smallest_shown as smallest_shown
from sambench.stats.sums import deviation as deviation
from sambench.stats.sums import mean as mean
from sambench.stats.sums import whole as whole
from sambench.stats.tuned import Score as Score
from sambench.stats.tuned import Tuned as Tuned
from sambench.stats.tuned import shares as shares
from sambench.stats.tuned import tuned as tuned
