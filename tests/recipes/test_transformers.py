"""SharpnessAware in transformers' Trainer, which calls `step()` by itself: `training_step` steps.

Long batches are cut by `step(closure, size=, micro=, weight=)`, with what each row counts in the
mean of `.loss`, its tokens; `gradient_accumulation_steps` stays 1, and `max_grad_norm` 0 (`clip`).
"""

import pytest
import torch

import variants

transformers = pytest.importorskip("transformers")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of the Trainer
RATE, RHO, STEPS = 0.1, 0.05, 4


class Stepping(variants.SharpnessAware):
    """The Trainer's own call comes when all is done."""

    def step(self, closure=None, *args, **options):
        return None if closure is None else super().step(closure, *args, **options)


class SharpTrainer(transformers.Trainer):
    def create_optimizer(self, model=None):
        if not isinstance(self.optimizer, Stepping):
            base = super().create_optimizer(model)
            self.optimizer = Stepping(base, variants.create("sam", rho=RHO), self.model)
        return self.optimizer

    def training_step(self, model, inputs, num_items_in_batch=None):
        model.train()
        inputs = self._prepare_inputs(inputs)
        optimizer = self.optimizer.optimizer  # in Accelerate's wrapper
        return optimizer.step(lambda: self.compute_loss(model, dict(inputs)))


def bert():
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=6,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return transformers.BertForTokenClassification(config).double()


def sentences():
    """8 of 6 tokens each; labels of the first 6, 3 or 1 of them, some have none."""
    rng = torch.Generator().manual_seed(1)
    ids = torch.randint(20, (8, 6), generator=rng)
    labels = torch.randint(2, (8, 6), generator=rng)
    lengths = torch.tensor([6, 3, 1, 0, 6, 0, 0, 0])[:, None]
    return ids, torch.where(torch.arange(6) < lengths, labels, -100)


def by_hand(parameters, loss):
    """SAM in two passes."""
    parameters = [p for p in parameters if p.requires_grad]
    for _ in range(STEPS):
        start = [p.detach().clone() for p in parameters]
        grads = torch.autograd.grad(loss(), parameters, allow_unused=True)
        norm = torch.cat([g.flatten() for g in grads if g is not None]).norm()
        with torch.no_grad():
            for p, g in zip(parameters, grads, strict=True):
                p.add_(0 if g is None else RHO * g / norm)
        grads = torch.autograd.grad(loss(), parameters, allow_unused=True)
        with torch.no_grad():
            for p, w, g in zip(parameters, start, grads, strict=True):
                p.copy_(w if g is None else w - RATE * g)


def same(got, expected):
    for (name, p), (_, q) in zip(got.named_parameters(), expected.named_parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-10, atol=1e-12, msg=name)


def test_the_trainer(tmp_path):
    model, expected, (ids, labels) = bert(), bert(), sentences()
    options = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=STEPS,
        per_device_train_batch_size=8,
        learning_rate=RATE,
        lr_scheduler_type="constant",
        optim="sgd",
        max_grad_norm=0.0,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
    )
    rows = [{"input_ids": i, "labels": y} for i, y in zip(ids, labels, strict=True)]
    trainer = SharpTrainer(model=model, args=options, train_dataset=rows)
    trainer.train()
    by_hand(expected.parameters(), lambda: expected(input_ids=ids, labels=labels).loss)
    same(model, expected)
    assert trainer.optimizer.optimizer.steps == STEPS
    plain = transformers.Trainer(
        model=model,
        args=options,
        train_dataset=rows,
        optimizers=(
            variants.SharpnessAware(
                torch.optim.SGD(model.parameters(), lr=RATE), variants.create("sam"), model
            ),
            None,
        ),
    )
    with pytest.raises(TypeError, match="in transformers leave it a closure in training_step"):
        plain.train()


@pytest.mark.parametrize("micro", [1, 3])
@pytest.mark.parametrize("lora", [False, True])
def test_micro_batches_of_its_mean_over_tokens(lora, micro):
    """`.loss` is a mean over tokens, of which some micro-batches have none; also of PEFT."""

    def made():
        if not lora:
            return bert()
        peft = pytest.importorskip("peft")
        options = peft.LoraConfig(r=2, target_modules=["query", "value"], init_lora_weights=False)
        torch.manual_seed(0)
        return peft.get_peft_model(bert(), options).double()

    model, expected, (ids, labels) = made(), made(), sentences()
    base = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=RATE)
    optimizer = variants.SharpnessAware(base, variants.create("sam", rho=RHO), model)
    tokens = (labels != -100).sum(1)
    for _ in range(STEPS):
        optimizer.step(
            lambda rows: model(input_ids=ids[rows], labels=labels[rows]).loss,
            size=8,
            micro=micro,
            weight=tokens,
        )
    by_hand(expected.parameters(), lambda: expected(input_ids=ids, labels=labels).loss)
    same(model, expected)
    assert optimizer.skipped == 0
