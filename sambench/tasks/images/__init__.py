"""Datasets as uint8 tensors, split, mislabelled and batched as functions of a run's seeds."""

from sambench.data.batches import epoch_batches as epoch_batches
from sambench.data.batches import eval_batches as eval_batches
from sambench.data.batches import num_batches as num_batches
from sambench.data.contents import Contents as Contents
from sambench.data.contents import difference as difference
from sambench.data.contents import digest as digest
from sambench.data.datasets import check as check
from sambench.data.datasets import contents as contents
from sambench.data.datasets import load as load
from sambench.data.datasets import notes as notes
from sambench.data.images import Data as Data
from sambench.data.images import Images as Images
from sambench.data.images import Samples as Samples
from sambench.data.share import WHOLE as WHOLE
from sambench.data.share import Share as Share
