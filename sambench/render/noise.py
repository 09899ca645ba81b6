"""Why validation scores lie below test scores where labels are noisy."""


def told(label_noise: float) -> str:
    """ "" without noise.

    >>> told(0.4)[:60]
    '40% of training and validation labels are wrong, test labels'
    """
    if not label_noise:
        return ""
    return (
        f"{label_noise:.0%} of training and validation labels are wrong, test labels are clean: a "
        f"model that is always right scores about {1 - label_noise:.0%} on validation data."
    )
