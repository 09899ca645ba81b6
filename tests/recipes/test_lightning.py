"""SharpnessAware in a Lightning module: manual optimization, because a step has several passes."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import variants

lightning = pytest.importorskip("lightning")
pytestmark = pytest.mark.filterwarnings("ignore")  # of Lightning, about workers and loggers


class Classifier(lightning.LightningModule):
    def __init__(self, variant: str) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.variant = variant
        self.model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
        self.history = []

    def training_step(self, batch, index):
        x, y = batch
        optimizer = self.optimizers()  # Lightning's wrapper: it counts steps, and calls back

        def losses():  # no rows get through it; variants that select some: optimizer.optimizer.step
            return cross_entropy(self.model(x), y, reduction="none")

        self.history.append(optimizer.step(losses, size=len(y)).mean())

    def on_train_epoch_end(self):
        self.lr_schedulers().step()

    def configure_optimizers(self):
        base = torch.optim.SGD(self.parameters(), lr=0.3, momentum=0.9)
        optimizer = variants.SharpnessAware(base, variants.create(self.variant), self)
        return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=6)]


@pytest.mark.parametrize("variant", ["sam", "asam", "looksam"])
def test_it_trains_and_resumes(variant, tmp_path):
    torch.manual_seed(0)
    x = torch.randn(96, 8)
    loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=32)

    def trainer(epochs):
        return lightning.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            default_root_dir=tmp_path,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )

    first = Classifier(variant)
    run = trainer(4)
    run.fit(first, loader)
    assert run.global_step == 12 and first.history[-1] < 0.9 * first.history[0]
    run.save_checkpoint(tmp_path / "last.ckpt")
    second = Classifier(variant)
    trainer(6).fit(second, loader, ckpt_path=tmp_path / "last.ckpt")
    assert second.optimizers().optimizer.steps == 18
