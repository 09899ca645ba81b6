"""Where labels go so that none covers another."""

from collections.abc import Sequence

Box = tuple[float, float, float, float]  # left, bottom, right, top
STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions nearest to those wanted, at least `gap` apart (less only if they cannot fit).

    >>> spread([1.0, 1.1, 5.0], 1.0, 0.0, 10.0)
    [0.55, 1.55, 5.0]
    """
    if not wanted:
        return []
    gap = min(gap, (high - low) / max(1, len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    blocks: list[tuple[float, int]] = []  # mean of (wanted - offset in block), members
    for i in order:
        mean, size = wanted[i], 1
        while blocks and blocks[-1][0] + blocks[-1][1] * gap > mean:
            before, num = blocks.pop()
            mean = (before * num + (mean - num * gap) * size) / (num + size)
            size += num
        blocks.append((mean, size))
    placed = [mean + k * gap for mean, size in blocks for k in range(size)]
    for k in range(len(placed)):  # inside, from below and then from above
        placed[k] = max(placed[k], low + k * gap)
    for k in reversed(range(len(placed))):
        placed[k] = min(placed[k], high - (len(placed) - 1 - k) * gap)
    result = [0.0] * len(wanted)
    for i, position in zip(order, placed, strict=True):
        result[i] = round(position, 6)
    return result


def place(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    frame: Box,
    obstacles: Sequence[Box],
    radius: float = 5.0,
) -> list[Box]:
    """A box of each size beside its point, inside the frame, off obstacles and other boxes.

    Greedy: near places first, to the right first; the one with least overlap if none is free.
    """
    taken = [(x - radius, y - radius, x + radius, y + radius) for x, y in points] + [*obstacles]
    found = []
    for point, size in zip(points, sizes, strict=True):
        boxes = [
            _beside(point, size, step, distance * radius)
            for distance in (1.2, 2.4, 3.8, 5.5, 7.5, 10.0, 13.0, 17.0)
            for step in STEPS
        ]
        found.append(min(boxes, key=lambda box: _cost(box, taken, found, frame)))
    return found


def _beside(
    point: tuple[float, float], size: tuple[float, float], step: tuple[int, int], distance: float
) -> Box:
    x = point[0] + step[0] * (distance + size[0] / 2)
    y = point[1] + step[1] * (distance + size[1] / 2)
    return x - size[0] / 2, y - size[1] / 2, x + size[0] / 2, y + size[1] / 2


def _cost(box: Box, taken: Sequence[Box], labels: Sequence[Box], frame: Box) -> float:
    """A label on another is worse than one on a line."""
    outside = max(frame[0] - box[0], 0) + max(box[2] - frame[2], 0)
    outside += max(frame[1] - box[1], 0) + max(box[3] - frame[3], 0)
    overlap = sum(_overlap(box, other) for other in taken)
    overlap += 10 * sum(_overlap(box, other) for other in labels)
    return round(1e3 * outside + overlap, 6)  # equal but for their last bits is equal


def _overlap(a: Box, b: Box) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0
