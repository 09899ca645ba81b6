"""SharpnessAware in a plain PyTorch loop: schedule, autocast, micro-batches, EMA, checkpoint."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import variants


def train(model, batches, *, variant="sam", epochs=3, path=None):
    """Losses of each epoch. Rows are cut into micro-batches, as where memory is short."""
    base = torch.optim.AdamW(model.parameters(), lr=0.02)
    optimizer = variants.SharpnessAware(base, variants.create(variant), model, clip=1.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * len(batches))
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    history = []
    for _ in range(epochs):
        total = 0.0
        for x, y in batches:

            def losses(rows, x=x, y=y):
                with torch.autocast(x.device.type, torch.bfloat16):
                    return cross_entropy(model(x[rows]), y[rows], reduction="none")

            total += float(optimizer.step(losses, size=len(y), micro=16).mean())
            schedule.step()
            ema.update_parameters(model)  # after the step the weights are w, not w + e
        history.append(total / len(batches))
        if path is not None:
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
    return history


def test_it_trains(tmp_path):
    torch.manual_seed(0)
    x = torch.randn(96, 8)
    y = (x[:, 0] > 0).long()
    batches = list(zip(x.split(32), y.split(32), strict=True))
    for variant in ("sam", "esam", "looksam"):
        model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
        history = train(model, batches, variant=variant, path=tmp_path / "last.pt")
        assert history[-1] < 0.9 * history[0]
        assert torch.load(tmp_path / "last.pt")["optimizer"]["sharpness"]["steps"] == 9
