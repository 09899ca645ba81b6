"""Why validation scores lie below test scores where labels are noisy."""

from sambench.scores import ACCURACY, Score


def told(label_noise: float, score: Score = ACCURACY) -> str:
    """ "" without noise.

    >>> told(0.4)[:60]
    '40% of training and validation labels are wrong, test labels'
    """
    if not label_noise:
        return ""
    clean = f"{label_noise:.0%} of training and validation labels are wrong, test labels are clean"
    if score != ACCURACY:
        return f"{clean}."
    right = f"a model that is always right scores about {1 - label_noise:.0%} on validation data"
    return f"{clean}: {right}."
