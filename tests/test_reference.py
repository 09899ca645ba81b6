"""What is generated from the code fits it: `make reference` writes it anew."""

import tomllib

import pytest

from tests import reference


@pytest.mark.parametrize("path", [*reference.files()], ids=lambda path: path.name)
def test_generated_files_are_up_to_date(path):
    assert path.read_text() == reference.files()[path], "run: make reference"


@pytest.mark.parametrize(
    "path", [*reference.ROOT.glob("studies/*.toml")], ids=lambda path: path.name
)
def test_editors_know_every_key_of_the_study_files(path):
    """And find the schema by the line that Taplo and Even Better TOML read."""
    text = path.read_text()
    assert text.startswith("#:schema ./study.schema.json\n")
    schema = reference.schema()

    def found(node):
        return schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node

    def check(table, node):
        node = found(node)
        if "properties" not in node and "anyOf" in node:  # kinds of tasks
            kinds = {one["properties"]["kind"]["const"]: one for one in map(found, node["anyOf"])}
            node = kinds[table.get("kind", "images")]
        for key, value in table.items():
            below = node.get("properties", {}).get(key, node["additionalProperties"])
            assert below, key
            if isinstance(value, dict) and isinstance(below, dict):
                check(value, below)

    check(tomllib.loads(text), schema)


def test_every_key_has_a_meaning():
    tables = [reference.schema(), *reference.schema()["$defs"].values()]
    keys = [(key, value) for table in tables for key, value in table["properties"].items()]
    assert len(keys) > 60
    assert not [key for key, value in keys if not value.get("description")]
