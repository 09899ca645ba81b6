"""What is generated from the code: tables in READMEs, and the JSON Schema of study files.

`make reference` writes them anew; test_reference.py holds them to the code.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import variants
from sambench.config import IMAGES, Study, kinds
from sambench.measures import Measure, measures

ROOT = Path(__file__).parents[1]
KINDS = {name: kinds.get(name) for name in ("images", "tabular", "algorithmic", "text", "rl")}
MERGED = ("Study", *(cls.__name__ for cls in KINDS.values()), "Train", "Search")
"""Tables of which a file that `extends` another may spell any part."""


def schema() -> dict:
    """Of a study file as an editor sees it: one file, which may extend another."""
    found = _tables()
    for name in MERGED:
        found[name].pop("required", None)
    for name, cls in KINDS.items():
        found[cls.__name__]["required"] = [] if name == IMAGES else ["kind"]
    study = found.pop("Study")
    extends = {"type": "string", "description": "another study, of which this one is a change"}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **study,
        "properties": {"extends": extends, **study["properties"]},
        "$defs": found,
    }


def _tables() -> dict[str, dict]:
    """The schema of each model."""
    study = _tidy(Study.model_json_schema())
    study["required"].remove("name")  # that of the file, where none is given
    found = {**study.pop("$defs"), "Study": study}
    del found["Task"]  # what all kinds have
    for name, cls in KINDS.items():
        own = _tidy(cls.model_json_schema())
        found |= own.pop("$defs")
        own["properties"]["kind"] |= {"const": name}
        if name != IMAGES:
            own["required"] += ["kind"]
            del own["properties"]["kind"]["default"]
        found[cls.__name__] = own
    either = [{"$ref": f"#/$defs/{cls.__name__}"} for cls in KINDS.values()]
    study["properties"]["task"] = {"anyOf": either, "description": "below"}
    return found


def _tidy(node):
    """Without null, which TOML does not know, and titles, which say a key again."""
    if isinstance(node, list):
        return [_tidy(item) for item in node if item != {"type": "null"}]
    if not isinstance(node, dict):
        return node
    tidy = {k: _tidy(v) for k, v in node.items() if (k, v) != ("default", None)}
    if isinstance(tidy.get("title"), str):
        del tidy["title"]
    either = tidy.get("anyOf", [])
    if {"type": "integer"} in either and {"type": "number"} in either:
        either.remove({"type": "integer"})
    if len(either) == 1:
        tidy |= tidy.pop("anyOf")[0]
    return tidy


HEADINGS = {
    "Study": "The file itself",
    "ImageClassification": "`[task]`",
    "Tabular": '`[task]` with `kind = "tabular"`',
    "Algorithmic": '`[task]` with `kind = "algorithmic"`',
    "TextClassification": '`[task]` with `kind = "text"`',
    "ReinforcementLearning": '`[task]` with `kind = "rl"`',
    "PPO": "`task.ppo`",
    "Split": "`task.split`",
    "Train": "`[train]`",
    "Search": "`[search]`",
    "Confirm": "`[confirm]`",
    "Measured": "`[measure]`",
    "VariantTable": "`[[variant]]`",
    "Space": "A space, as in `search.space.lr` and `space.rho` of a `[[variant]]`",
    "Published": "`[[published]]`",
}


def keys() -> str:
    """Every key of a study file, a table for each of its own."""
    found = _tables()
    return "\n".join(
        line for name, heading in HEADINGS.items() for line in _section(heading, found[name])
    )


def _section(heading: str, table: dict) -> Iterator[str]:
    yield from (f"### {heading}", "", table["description"], "")
    yield from ("| key | value | default | meaning |", "| --- | --- | --- | --- |")
    for key, value in table["properties"].items():
        default = value.get("default", "")
        shown = "" if default in ("", []) or isinstance(default, dict) else _code(default)
        shown = "required" if key in table.get("required", ()) else shown
        meaning = value["description"].replace("\n", " ")
        yield f"| `{key}` | {_value(value)} | {shown} | {meaning} |"
    yield ""


def _code(value: object) -> str:
    return f"`{json.dumps(value)}`"


SIGNS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
BOUNDLESS = 1e6
"""From here on an upper bound only keeps arithmetic from overflowing: the schema has it."""


def _value(value: dict) -> str:
    """Choices, or type and range."""
    if all("$ref" in one for one in value.get("anyOf", [{}])):
        return "table"
    if "anyOf" in value:
        return " or ".join(_value(one) for one in value["anyOf"])
    if "enum" in value:
        return ", ".join(map(_code, value["enum"]))
    if "const" in value:
        return _code(value["const"])
    if "prefixItems" in value:
        return f"[{', '.join(_value(item) for item in value['prefixItems'])}]"
    if value.get("type") == "array":
        return f"list: {_value(value['items'])}"
    if "$ref" in value or value["type"] == "object":
        return "table"
    bounds = {sign: value[key] for key, sign in SIGNS.items() if value.get(key, 1e9) < BOUNDLESS}
    spelled = ", ".join(f"{sign} {bound:g}" for sign, bound in bounds.items())
    kind = {"boolean": "true, false", "integer": "whole number"}.get(value["type"], value["type"])
    return f"{kind} {spelled}".rstrip()


def methods() -> str:
    """The catalogue of variants."""
    lines = ["| key | method | passes |", "| --- | --- | --- |"]
    for name in variants.names():
        info = variants.info(name)
        paper = f", [{info.arxiv}](https://arxiv.org/abs/{info.arxiv})" if info.arxiv else ""
        lines.append(f"| `{name}` | {info.title}{paper} | {info.passes:.3g} |")
    return "\n".join(lines)


def definitions() -> str:
    """Every measure: what it is, what it cannot tell, where it comes from, and its keys."""
    return "\n".join(line for name in measures.names() for line in _measure(name))


def _measure(name: str) -> Iterator[str]:
    cls = measures.get(name)
    one = cls.model_construct()
    text = " ".join((cls.__doc__ or "").split())
    yield from (f"### `{name}`: {cls.title}", "", f"{text} {cls.cannot_tell}", "")
    own = [(k, field) for k, field in cls.model_fields.items() if k not in Measure.model_fields]
    settings = [
        f"`{key}`" if field.is_required() else f"`{key}` = {_code(field.default)}"
        for key, field in own
    ]
    keys = f" Keys: {', '.join(settings)}." if settings else ""
    item = "image" if cls.needs == "images" else "item"
    of = ", of one class each" if cls.needs else ""
    cost = f"about {one.evaluations:.3g} gradient evaluations of each measured {item}"
    yield from (f"On {cls.subset} {item}s{of}; {cost}.{keys} Source: {cls.source}.", "")


GENERATED = {
    "studies/README.md": keys,
    "variants/README.md": methods,
    "sambench/measures/README.md": definitions,
}
BEGIN, END = "<!-- begin: `make reference` writes this -->", "<!-- end -->"


def files() -> dict[Path, str]:
    """What they should hold."""
    found = {ROOT / "studies/study.schema.json": json.dumps(schema(), indent=2) + "\n"}
    for name, write in GENERATED.items():
        path = ROOT / name
        around = re.compile(f"{BEGIN}.*?{END}", re.DOTALL)
        text = f"{BEGIN}\n\n{write().strip()}\n\n{END}"
        found[path] = around.sub(lambda _, text=text: text, path.read_text())
    return found


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text)
