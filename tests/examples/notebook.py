# %% [markdown]
# # Is SAM worth its cost on digits with wrong labels?
#
# Editors such as VS Code and PyCharm run this file cell by cell.

# %%
import matplotlib.pyplot as plt

import sambench

# %% [markdown]
# A study is what its TOML file would hold. This one is as small as can be: seconds, little proof.

# %%
study = {
    "name": "notebook",
    "question": "Is SAM worth its cost on digits with wrong labels?",
    "variants": ["plain", "sam", "asam"],
    "task": {
        "dataset": "digits",
        "image_size": 8,
        "label_noise": 0.4,
        "split": {"train": 200, "val": 100, "test": 500},
        "model": "test_resnet",
    },
    "train": {"epochs": 2, "batch_size": 50},
    "search": {
        "budget": 2,
        "searches": 2,
        "space": {"lr": {"low": 0.01, "high": 0.3, "log": True}},
    },
}
found = sambench.run_study(study, device="cpu", workers=1, wandb="disabled")
print(found)

# %% [markdown]
# What was found, a row for each arm. Every run has its own in `found.records`; `found.plot("cost")`
# shows a figure of the page `found.page`.

# %%
table = found.to_frame().set_index("arm")
print(table[["score", "low", "high", "cost"]].round(2))

# %%
figure, axes = plt.subplots(figsize=(5, 2), layout="constrained")
error = [table.score - table.low, table.high - table.score]
axes.errorbar(table.score, table.index, xerr=error, fmt="o")
axes.set_xlabel("test accuracy of the tuned arm, with its 95% interval")
figure.savefig("accuracies.svg")
