"""The statistics of a leaderboard, on numbers alone: no torch, no records, no study.

Numbers are the same on every machine, to the last bit (`sambench.stats.sums` says how).
"""

from sambench.stats import bands as bands
from sambench.stats import claims as claims
from sambench.stats import student as student
from sambench.stats import sums as sums
from sambench.stats import surface as surface
from sambench.stats.across import Across as Across
from sambench.stats.across import across as across
from sambench.stats.claims import Contrast as Contrast
from sambench.stats.claims import Recommendation as Recommendation
from sambench.stats.claims import Searches as Searches
from sambench.stats.correlation import mean_of as mean_of
from sambench.stats.correlation import rank_correlation as rank_correlation
from sambench.stats.logarithms import decades as decades
from sambench.stats.logarithms import evenly as evenly
from sambench.stats.paired import searches as searches
from sambench.stats.paired import seed_mean as seed_mean
from sambench.stats.pareto import pareto_front as pareto_front
from sambench.stats.proportion import exact_interval as exact_interval
from sambench.stats.ranking import RANKED_FROM as RANKED_FROM
from sambench.stats.ranking import Ranking as Ranking
from sambench.stats.ranking import afforded as afforded
from sambench.stats.ranking import counted_passes as counted_passes
from sambench.stats.ranking import smallest_shown as smallest_shown
from sambench.stats.student import ALPHA as ALPHA
from sambench.stats.tuned import Score as Score
from sambench.stats.tuned import Tuned as Tuned
from sambench.stats.tuned import shares as shares
from sambench.stats.tuned import tuned as tuned
