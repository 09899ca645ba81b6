"""`digits`: the handwritten digits that come with scikit-learn. Real, tiny, no download."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sambench.tasks.contents import of_arrays
from sambench.tasks.images.decode import stack, to_array
from sambench.tasks.images.images import Images, Pool

NUM_IMAGES = 1797


@dataclass(frozen=True)
class Digits:
    """1797 grey images of 8x8, ten classes, no published test set."""

    image_size: int | None

    def counts(self) -> tuple[int, int | None]:
        return NUM_IMAGES, None

    def read(self, cache: Path | None) -> Pool:
        from sklearn.datasets import load_digits  # slow to import, and only needed here

        pixels, labels = (np.asarray(part) for part in load_digits(return_X_y=True))
        grey = np.round(pixels * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8)  # stored as 0 to 16
        contents = of_arrays(pixels=grey, labels=labels.astype(np.int64))
        arrays = (to_array(Image.fromarray(image), self.image_size, "L") for image in grey)
        x = torch.from_numpy(stack(arrays, len(grey), "digits"))
        images = Images(x, torch.from_numpy(labels.astype(np.int64)))
        return Pool(images, None, tuple("0123456789"), contents)
