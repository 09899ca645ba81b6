"""Names, information, and hyperparameters with their domains; every mistake is one clear line."""

import dataclasses

import pytest
import torch

import variants
from variants import Update, Variant, hyper
from variants.core import registry as _registry

FIRST = ("asam", "esam", "looksam", "plain", "sam", "tensor_sum_sam")


@pytest.fixture
def registry(monkeypatch):
    """The registry, as it was again afterwards."""
    monkeypatch.setattr(_registry, "_classes", dict(_registry._classes))
    monkeypatch.setattr(_registry, "_infos", dict(_registry._infos))


def test_names_are_sorted_and_the_files_are_found():
    assert set(FIRST) <= set(variants.names())
    assert list(variants.names()) == sorted(variants.names())


@pytest.mark.parametrize("name", variants.names())
def test_every_variant_describes_itself(name):
    known, made = variants.info(name), variants.create(name)
    assert known.name == name and known.title and known.doc
    assert known.passes == made.passes >= 1 or name in ("k_sam",)
    assert _registry.name_of(made) == name
    for key, declared in known.hyperparameters.items():
        assert getattr(made, key) == declared.default
        declared.check(key, declared.default)
        for end in declared.range or ():
            variants.create(name, **{key: declared.kind(end)})
    assert known.radius is None or known.hyperparameters[known.radius].range
    assert dataclasses.is_dataclass(made) and made == variants.create(name)
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.anything = 1


@pytest.mark.parametrize("name", variants.names())
def test_zero_is_a_legal_rho(name):
    if "rho" in variants.info(name).hyperparameters:
        variants.create(name, rho=0)
        with pytest.raises(ValueError, match=r"rho must be >= 0, got rho=-0\.1"):
            variants.create(name, rho=-0.1)


BAD = {
    "rho must be a finite number, got rho=nan": ("sam", {"rho": float("nan")}),
    "rho must be a finite number, got rho=inf": ("sam", {"rho": float("inf")}),
    "rho must be a finite number, got rho=True": ("sam", {"rho": True}),
    "rho must be a finite number, got rho='0.1'": ("sam", {"rho": "0.1"}),
    "rho must be a finite number, got rho=None": ("sam", {"rho": None}),
    "k must be a whole number, got k=2.0": ("looksam", {"k": 2.0}),
    "k must be >= 1, got k=0": ("looksam", {"k": 0}),
    "beta must be > 0 and <= 1, got beta=0": ("esam", {"beta": 0}),
    "gamma must be > 0 and <= 1, got gamma=1.5": ("esam", {"gamma": 1.5}),
    "form must be one of 'samsung', 'davda', got form='sam'": ("asam", {"form": "sam"}),
    "sam has no hyperparameter 'roh'; did you mean rho?": ("sam", {"roh": 0.1}),
    "plain has no hyperparameter 'rho'; it has none": ("plain", {"rho": 0.1}),
    "unknown variant 'looksan'; did you mean looksam?": ("looksan", {}),
}


@pytest.mark.parametrize("message", BAD)
def test_mistakes(message):
    name, options = BAD[message]
    with pytest.raises(ValueError) as caught:
        variants.create(name, **options)
    assert str(caught.value).startswith(message.rstrip("?")) and "\n" not in str(caught.value)


def test_nothing_close_lists_all():
    with pytest.raises(ValueError, match=r"choose from .*asam, .*sam"):
        variants.info("zzzzzz")


def test_tensors_are_taken_as_they_are():
    rho = torch.tensor(-1.0)
    assert variants.create("sam", rho=rho).rho is rho


def test_a_tensor_as_rho_trains_like_the_number(task, differing):
    t, u = task(), task()
    opt = t.driver("sam", rho=torch.tensor(0.3, dtype=torch.float64))
    other = u.driver("sam", rho=0.3)
    for _ in range(3):
        opt.step(t.losses)
        other.step(u.losses)
    for n, p in t.weights().items():
        torch.testing.assert_close(p, u.weights()[n], rtol=1e-12, atol=1e-12)


def test_a_new_variant_is_one_class(registry, task):
    @variants.register("halved", title="Halved", arxiv="0000.00000", year=2000)
    class Halved(Variant):
        """Half a gradient."""

        rho: float = hyper(0.5, gt=0, search=(0.1, 1.0))

        @property
        def passes(self):
            return 1.0

        def direction(self, oracle, state):
            return Update({n: self.rho * g for n, g in oracle.grad().grads.items()}), state

    assert "halved" in variants.names() and variants.info("halved").radius == "rho"
    assert variants.info("halved").doc == "Half a gradient."
    t = task()
    t.driver("halved", rho=0.25).step(t.losses)
    with pytest.raises(ValueError, match="'halved' is taken, by"):
        variants.register("halved")(Halved)


def test_a_class_without_a_rule_is_refused(registry):
    with pytest.raises(TypeError, match="direction"):

        @variants.register("nothing")
        class Nothing(Variant):
            pass

    assert "nothing" not in variants.names()


def test_the_fixture_restored_the_registry():
    assert "halved" not in variants.names()
