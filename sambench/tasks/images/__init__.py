"""Datasets as uint8 tensors, split, mislabelled and batched as functions of a run's seeds."""

from sambench.tasks.images import models as models
from sambench.tasks.images.batches import epoch_batches as epoch_batches
from sambench.tasks.images.batches import eval_batches as eval_batches
from sambench.tasks.images.batches import num_batches as num_batches
from sambench.tasks.images.contents import Contents as Contents
from sambench.tasks.images.contents import difference as difference
from sambench.tasks.images.contents import digest as digest
from sambench.tasks.images.datasets import check as check
from sambench.tasks.images.datasets import contents as contents
from sambench.tasks.images.datasets import is_ours as is_ours
from sambench.tasks.images.datasets import is_there as is_there
from sambench.tasks.images.datasets import load as load
from sambench.tasks.images.datasets import notes as notes
from sambench.tasks.images.datasets import true_labels as true_labels
from sambench.tasks.images.images import Data as Data
from sambench.tasks.images.images import Images as Images
from sambench.tasks.images.images import Samples as Samples
from sambench.tasks.images.shard import Shard as Shard
