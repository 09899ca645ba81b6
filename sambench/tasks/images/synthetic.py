"""`synthetic`: one coarse random pattern per class under Gaussian noise. Learnable, for tests."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sambench.tasks.contents import fingerprint
from sambench.tasks.images import memory
from sambench.tasks.images.images import Images, Pool
from sambench.tasks.split import Split

NUM_CLASSES = 10
CHANNELS = 3
GRID = 4  # a pattern is GRID x GRID patches of one colour, so that convolutions can see it
CONTRAST, NOISE = 32.0, 48.0  # standard deviations of the patterns and of the noise, grey levels
SEED = 0


@dataclass(frozen=True)
class Synthetic:
    """`num_train` and `num_test` images, classes in turn; the same ones every time."""

    image_size: int
    num_train: int
    num_test: int

    @classmethod
    def sized(cls, image_size: int | None, split: Split) -> "Synthetic":
        """Just large enough for the sizes asked for; 900, 100 and 500 where none are."""
        num_train = (split.train or 900) + (split.val or 100)
        return cls(image_size or 8, num_train, split.test or 500)

    def counts(self) -> tuple[int, int | None]:
        return self.num_train, self.num_test

    def read(self, cache: Path | None) -> Pool:
        values = (self.num_train + self.num_test) * CHANNELS * self.image_size**2
        memory.check(4 * values, "synthetic")  # float32 on the way
        train, test = (self._draw(n, i) for i, n in enumerate((self.num_train, self.num_test)))
        contents = {"synthetic": fingerprint(repr((self, SEED)).encode())}
        return Pool(train, test, tuple(str(k) for k in range(NUM_CLASSES)), contents)

    def _draw(self, num: int, part: int) -> Images:
        rng = np.random.default_rng([SEED, 1 + part])
        y = np.arange(num) % NUM_CLASSES
        shape = (num, CHANNELS, self.image_size, self.image_size)
        noise = rng.standard_normal(shape, np.float32) * NOISE
        x = np.clip(128 + self._patterns()[y] + noise, 0, 255).astype(np.uint8)
        return Images(torch.from_numpy(x), torch.from_numpy(y))

    def _patterns(self) -> np.ndarray:
        """(classes, c, h, w) float32, in grey levels around 0."""
        rng = np.random.default_rng([SEED, 0])
        coarse = rng.standard_normal((NUM_CLASSES, CHANNELS, GRID, GRID), np.float32) * CONTRAST
        patch = np.arange(self.image_size) * GRID // self.image_size
        return coarse[:, :, patch[:, None], patch]
