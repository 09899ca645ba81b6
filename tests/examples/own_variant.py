"""A variant in a single file, and a study that asks whether it is worth its cost."""

import sambench
from variants import Update, Variant, hyper, ops, register


@register("half_sam", title="Half SAM", year=2026)
class HalfSAM(Variant):
    """direction = (g + grad L(w + e)) / 2,  e = rho * g / |g|,  g = grad L(w)"""

    rho: float = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)
    passes = 2.0  # gradient evaluations a step

    def direction(self, oracle, state):
        g = oracle.grad().grads
        ascended = oracle.grad(at=ops.ball(g, self.rho)).grads
        return Update(ops.mix(g, ascended, 0.5)), state


if __name__ == "__main__":
    study = {
        "name": "half-sam",
        "variants": ["plain", "sam", "half_sam"],
        "task": {
            "dataset": "digits",
            "image_size": 8,
            "split": {"train": 200, "val": 100, "test": 500},
            "model": "test_resnet",
        },
        "train": {"epochs": 2, "batch_size": 50},
        "search": {
            "budget": 2,
            "searches": 1,
            "space": {"lr": {"low": 0.01, "high": 0.3, "log": True}},
        },
    }
    print(sambench.run_study(study, device="cpu", workers=1, wandb="disabled").headline)
