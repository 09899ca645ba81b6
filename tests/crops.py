"""A folder for `bench --folder`: python -m tests.crops FOLDER

2,000 JPEGs of 256x256 pixels, cut at random from the two photographs of scikit-learn, a class each.
"""

import random
import sys
from pathlib import Path

from PIL import Image
from sklearn.datasets import load_sample_image

SIDE = 256
EACH = 1000


def main(folder: Path) -> None:
    rng = random.Random(0)
    for name in ("china", "flower"):
        photograph = Image.fromarray(load_sample_image(f"{name}.jpg"))
        (folder / name).mkdir(parents=True)
        for i in range(EACH):
            left = rng.randrange(photograph.width - SIDE)
            top = rng.randrange(photograph.height - SIDE)
            crop = photograph.crop((left, top, left + SIDE, top + SIDE))
            crop.save(folder / name / f"{i:03}.jpg", quality=90)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
