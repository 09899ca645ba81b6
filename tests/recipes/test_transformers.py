"""SharpnessAware in transformers' Trainer: `training_step` is the body of a loop over evaluations.

The batches of `gradient_accumulation_steps` are held until the Trainer says that a step is due,
and scaled as it scales them. `max_grad_norm` stays 0: say `clip`.
"""

import pytest
import torch

import variants

transformers = pytest.importorskip("transformers")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of the Trainer
RATE, RHO, STEPS = 0.1, 0.05, 4


class SharpTrainer(transformers.Trainer):
    """A Trainer whose optimizer is sharpness-aware."""

    def create_optimizer(self, model=None):
        base = super().create_optimizer(model)
        if not isinstance(base, variants.SharpnessAware):
            sam = variants.create("sam", rho=RHO)
            self.optimizer = variants.SharpnessAware(base, sam, self.model)
            self.batches = []
        return self.optimizer

    def training_step(self, model, inputs, num_items_in_batch=None):
        self.batches.append(inputs)
        if not self.accelerator.sync_gradients:
            return torch.zeros((), device=self.args.device)  # its loss comes with the last
        optimizer, losses = self.optimizer.optimizer, []  # in Accelerate's wrapper
        for part in optimizer.evaluations(parts=self.batches):
            loss = super().training_step(model, part, num_items_in_batch)
            if optimizer.evaluation == 0:
                losses.append(loss)
        self.batches = []
        return torch.stack(losses).sum()


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


def steps_by_hand(by_hand, parameters, loss):
    base = torch.optim.SGD([p for p in parameters if p.requires_grad], lr=RATE)
    for _ in range(STEPS):
        by_hand(base, lambda: loss().backward(), RHO)


def same(got, expected):
    for (name, p), (_, q) in zip(got.named_parameters(), expected.named_parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-10, atol=1e-12, msg=name)


def gpt2():
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=20,
        n_embd=8,
        n_layer=1,
        n_head=2,
        n_positions=6,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    return transformers.GPT2LMHeadModel(config)


MODELS = {"bert": bert, "gpt2": gpt2}


@pytest.mark.parametrize("precision", ["fp64", "fp32", "bf16"])
@pytest.mark.parametrize("accumulation", [1, 2])
@pytest.mark.parametrize("name", MODELS)
def test_the_trainer(name, accumulation, precision, tmp_path, by_hand):
    """Stopped half-way and resumed from its checkpoint, as its own `resume_from_checkpoint` does.

    Batches are scaled as the Trainer scales them: GPT-2's by all tokens of a step, BERT's not at
    all, whose head takes no notice of `num_items_in_batch`. GPT-2's loss is in float32.
    """
    dtype = torch.float64 if precision == "fp64" else torch.float32
    model, expected, (ids, labels) = MODELS[name](), MODELS[name](), sentences()
    model, expected = model.to(dtype), expected.to(dtype)
    labels = torch.where(labels == -100, labels, ids % 2 if name == "bert" else ids)
    labels[:, :2] = ids[:, :2] % 2  # every batch has some
    rows = [{"input_ids": i, "labels": y} for i, y in zip(ids, labels, strict=True)]

    def trained(steps, **resume):
        options = transformers.TrainingArguments(
            output_dir=str(tmp_path),
            max_steps=steps,
            per_device_train_batch_size=8 // accumulation,
            gradient_accumulation_steps=accumulation,
            train_sampling_strategy="sequential",
            learning_rate=RATE,
            lr_scheduler_type="constant",
            optim="sgd",
            max_grad_norm=0.0,
            bf16=precision == "bf16",
            use_cpu=True,
            report_to=[],
            save_steps=STEPS // 2,
            save_only_model=False,
            logging_steps=1,
            disable_tqdm=True,
        )
        trainer = SharpTrainer(model=MODELS[name]().to(dtype), args=options, train_dataset=rows)
        trainer.train(**resume)
        return trainer

    trained(STEPS // 2)
    folder = str(tmp_path / f"checkpoint-{STEPS // 2}")
    trainer = trained(STEPS, resume_from_checkpoint=folder)
    assert trainer.optimizer.optimizer.steps == STEPS
    model = trainer.model
    parts = list(zip(ids.split(8 // accumulation), labels.split(8 // accumulation), strict=True))
    tokens = (labels != -100).sum()
    share = {"num_items_in_batch": tokens} if name == "gpt2" else {}
    base = torch.optim.SGD(expected.parameters(), lr=RATE)

    def loss():
        for i, y in parts:
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                found = expected(input_ids=i, labels=y, **share).loss
            found.backward()

    for _ in range(STEPS):
        by_hand(base, loss)
    exact = 1e-10 if name == "bert" else 1e-6
    tolerance = {"fp64": exact, "fp32": 1e-5, "bf16": 1e-2}[precision]
    for (key, p), q in zip(model.named_parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=tolerance, atol=tolerance, msg=key)


def test_a_trainer_that_clips_after_the_step_is_told(tmp_path):
    ids, labels = sentences()
    options = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=1,
        max_grad_norm=1e-3,
        use_cpu=True,
        report_to=[],
        optim="sgd",
    )
    rows = [{"input_ids": i, "labels": y} for i, y in zip(ids, labels, strict=True)]
    trainer = SharpTrainer(model=bert(), args=options, train_dataset=rows)
    with pytest.raises(ValueError, match=r"clip no more \(transformers: max_grad_norm=0\)"):
        trainer.train()


@pytest.mark.parametrize("micro", [1, 3])
@pytest.mark.parametrize("lora", [False, True])
def test_micro_batches_of_its_mean_over_tokens(lora, micro, by_hand):
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
    steps_by_hand(
        by_hand, expected.parameters(), lambda: expected(input_ids=ids, labels=labels).loss
    )
    same(model, expected)
    assert optimizer.skipped == 0
