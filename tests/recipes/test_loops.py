"""Loops that call `backward` themselves: copy what `train` does, and what is around it.

Each is trained in two halves, the second one from a checkpoint of the first, and held to the two
passes of SAM by hand.
"""

import os
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, normalize
from torch.nn.parallel import DistributedDataParallel

import variants


def mlp(*widths):
    layers = [nn.Linear(a, b) for a, b in pairwise(widths)]
    return nn.Sequential(*[m for layer in layers for m in (layer, nn.Tanh())][:-1]).double()


def copies(make):
    torch.manual_seed(0)
    first, second = make(), make()
    second.load_state_dict(first.state_dict())
    return first, second


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)


def sharp(model, base=None, **options):
    return variants.SharpnessAware(base or sgd(model), variants.create("sam"), model, **options)


def data(num=6, rows=8, width=4):
    torch.manual_seed(1)
    x = torch.randn(num, rows, width).double()
    return x, (x[..., 0] > 0).long()


def resumed(optimizer, model, **options):
    """A new optimizer around the model, from what a checkpoint has."""
    saved = optimizer.state_dict()
    optimizer.zero_grad()
    new = sharp(model, **options)
    new.load_state_dict(saved)
    return new


class TestPlain:
    def train(self, model, optimizer, x, y):
        for inputs, labels in zip(x, y, strict=True):
            for rows in optimizer.evaluations():
                loss = cross_entropy(model(inputs[rows]), labels[rows])
                loss.backward()

    def test_it(self, by_hand, same):
        (model, expected), (x, y) = copies(lambda: mlp(4, 8, 2)), data()
        optimizer, base = sharp(model), sgd(expected)
        self.train(model, optimizer, x[:3], y[:3])
        self.train(model, resumed(optimizer, model), x[3:], y[3:])
        for a, b in zip(x, y, strict=True):
            by_hand(base, lambda a=a, b=b: cross_entropy(expected(a), b).backward())
        same(model, expected)


def train_together(model, x, y):
    """In two processes, each on every other batch; the body as it is for one."""
    torch.distributed.init_process_group("gloo")
    rank = int(os.environ["RANK"])
    wrapped = DistributedDataParallel(model)
    optimizer = sharp(wrapped)
    inputs, labels = x.split(16)[rank::2], y.split(16)[rank::2]
    for _ in range(3):
        TestPlain().train(wrapped, optimizer, inputs, labels)
    return {n: p.detach() for n, p in model.named_parameters()}


@pytest.mark.slow
def test_two_processes(together, m_sharpness, equal):
    batches = torch.arange(96).split(16)
    rows = [[a.tolist(), b.tolist()] for a, b in zip(batches[::2], batches[1::2], strict=True)]
    equal(together("loops"), m_sharpness(rows))


class TestGradScaler:
    """The scaler is handed in, which calls its `step` and `update`; the loop scales its loss."""

    def train(self, model, optimizer, scaler, x, y):
        for inputs, labels in zip(x, y, strict=True):
            for _ in optimizer.evaluations():
                loss = cross_entropy(model(inputs), labels)
                scaler.scale(loss).backward()

    def test_it(self, by_hand, same):
        (model, expected), (x, y) = copies(lambda: mlp(4, 8, 2)), data()
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=4)
        optimizer, base = sharp(model, scaler=scaler), sgd(expected)
        self.train(model, optimizer, scaler, x[:3], y[:3])
        again = torch.amp.GradScaler("cpu")
        again.load_state_dict(scaler.state_dict())
        self.train(model, resumed(optimizer, model, scaler=again), again, x[3:], y[3:])
        for a, b in zip(x, y, strict=True):
            by_hand(base, lambda a=a, b=b: cross_entropy(expected(a), b).backward())
        same(model, expected)
        assert again.get_scale() == 2.0**11


class TestGAN:
    """A model and an optimizer each; what one loop leaves in the other's `.grad` is zeroed."""

    def train(self, generator, discriminator, optimizers, real, noise):
        of_generator, of_discriminator = optimizers
        for images, z in zip(real, noise, strict=True):
            ones, zeros = torch.ones(len(z), 1).double(), torch.zeros(len(z), 1).double()
            fake = generator(z).detach()
            for _ in of_discriminator.evaluations():
                loss = binary_cross_entropy_with_logits(discriminator(images), ones)
                loss = loss + binary_cross_entropy_with_logits(discriminator(fake), zeros)
                loss.backward()
            for _ in of_generator.evaluations():
                binary_cross_entropy_with_logits(discriminator(generator(z)), ones).backward()
            of_discriminator.zero_grad()

    def test_it(self, by_hand, same):
        generator, generator_by_hand = copies(lambda: mlp(2, 8, 4))
        discriminator, discriminator_by_hand = copies(lambda: mlp(4, 8, 1))
        (real, _), noise = data(), torch.randn(6, 8, 2).double()
        first = [sharp(generator), sharp(discriminator)]
        self.train(generator, discriminator, first, real[:3], noise[:3])
        second = [resumed(first[0], generator), resumed(first[1], discriminator)]
        self.train(generator, discriminator, second, real[3:], noise[3:])

        of_generator, of_discriminator = sgd(generator_by_hand), sgd(discriminator_by_hand)
        for images, z in zip(real, noise, strict=True):
            ones, zeros = torch.ones(8, 1).double(), torch.zeros(8, 1).double()
            fake = generator_by_hand(z).detach()

            def of_real_and_fake(images=images, fake=fake, ones=ones, zeros=zeros):
                loss = binary_cross_entropy_with_logits(discriminator_by_hand(images), ones)
                fooled = binary_cross_entropy_with_logits(discriminator_by_hand(fake), zeros)
                (loss + fooled).backward()

            def of_fake(z=z, ones=ones):
                judged = discriminator_by_hand(generator_by_hand(z))
                binary_cross_entropy_with_logits(judged, ones).backward()

            by_hand(of_discriminator, of_real_and_fake)
            by_hand(of_generator, of_fake)
            of_discriminator.zero_grad()
        same(generator, generator_by_hand)
        same(discriminator, discriminator_by_hand)


class Contrast(nn.Module):
    """A student, a teacher that follows it, and a queue of what the teacher said."""

    def __init__(self):
        super().__init__()
        self.student, self.teacher = mlp(4, 8, 3), mlp(4, 8, 3)
        self.teacher.load_state_dict(self.student.state_dict())
        self.teacher.requires_grad_(False)
        self.register_buffer("queue", normalize(torch.randn(16, 3).double(), dim=1))

    def follow(self):
        for p, q in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
            p.mul_(0.9).add_(q.detach(), alpha=0.1)

    def forward(self, x):
        keys = normalize(self.teacher(x), dim=1)
        queries = normalize(self.student(x), dim=1)
        own = (queries * keys).sum(1, keepdim=True)
        logits = torch.cat([own, queries @ self.queue.clone().T], 1)
        self.queue.copy_(torch.cat([keys, self.queue])[:16])
        return cross_entropy(logits / 0.1, torch.zeros(len(x), dtype=torch.long))


class TestTeacherWithAQueue:
    """Both passes see the queue of before the batch, which gets it once; the teacher moves once."""

    def train(self, model, optimizer, x):
        for batch in x:
            model.follow()  # between steps; in a closure: if optimizer.evaluation == 0
            for _ in optimizer.evaluations():
                model(batch).backward()

    def base(self, model):
        return sgd(model.student)

    def test_it(self, by_hand, same):
        (model, expected), (x, _) = copies(Contrast), data()
        optimizer, base = sharp(model, self.base(model)), self.base(expected)
        self.train(model, optimizer, x[:3])
        saved = optimizer.state_dict()
        again = sharp(model, self.base(model))
        optimizer.zero_grad()
        again.load_state_dict(saved)
        self.train(model, again, x[3:])
        for batch in x:
            expected.follow()
            before = expected.queue.clone()
            by_hand(
                base,
                lambda b=batch: expected(b).backward(),
                after_first=lambda q=before: expected.queue.copy_(q),
            )
            keys = normalize(expected.teacher(batch), dim=1)
            torch.testing.assert_close(expected.queue[:8], keys)
        same(model, expected)


class TestAccumulation:
    """Loader batches of different length are one step: the mean over all their rows."""

    LENGTHS = (8, 3, 5)

    def train(self, model, optimizer, steps):
        for batches in steps:
            for inputs, labels in optimizer.evaluations(parts=batches):
                losses = cross_entropy(model(inputs), labels, reduction="none")
                optimizer.loss(losses).backward()

    def train_with_closure(self, model, optimizer, steps):
        for batches in steps:
            optimizer.step(
                lambda part: cross_entropy(model(part[0]), part[1], reduction="none"),
                parts=batches,
            )

    @pytest.mark.parametrize("form", ["train", "train_with_closure"])
    def test_it(self, form, by_hand, same):
        (model, expected), (x, y) = copies(lambda: mlp(4, 8, 2)), data(rows=16)
        cut = zip(x, y, strict=True)
        steps = [
            list(zip(a.split(self.LENGTHS), b.split(self.LENGTHS), strict=True)) for a, b in cut
        ]
        optimizer, base = sharp(model), sgd(expected)
        getattr(self, form)(model, optimizer, steps[:3])
        getattr(self, form)(model, resumed(optimizer, model), steps[3:])
        for batches in steps:

            def loss(batches=batches):
                for inputs, labels in batches:
                    (cross_entropy(expected(inputs), labels, reduction="sum") / 16).backward()

            by_hand(base, loss)
        same(model, expected)
