"""Trials in databases: what a URL may say, and what nobody may read of it."""

import os
import re
import sqlite3
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial

from sambench import config
from sambench.errors import UserError, WorkFailed
from sambench.study.database import Address
from sambench.study.folder import StudyFolder
from sambench.study.holder import Held
from sambench.study.storage import chosen
from sambench.study.tuner import study_name

Spec = dict[str, Any]
SECRET = "s3cret"


def refused(url: str) -> str:
    with pytest.raises(UserError) as told:
        Address(url)
    return str(told.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("trials", "--storage: that is no URL; such as sqlite:///trials.db or"),
        (f"ada:{SECRET}@host/db", "that is no URL"),
        (f"postgresql://ada:{SECRET}", "that is no URL"),
        (f"postgresql+psycopg://ada:x@{SECRET}@host/db", "write an @ within .* as %40"),
        (f"postgre+psycopg://ada:{SECRET}@host/db", "did you mean postgresql"),
        (f"postgres://ada:{SECRET}@host/db", "no 'postgres' is known; did you mean postgresql"),
        ("sqlite://", "names no file; such as sqlite:///"),
        ("sqlite:///:memory:", "names no file"),
        (f"mysql+pymysql://ada:{SECRET}@host/db", "needs pymysql, .*pip install 'pymysql'"),
    ],
)
def test_a_url_that_cannot_be_is_refused_in_a_line(url: str, told: str):
    found = refused(url)
    assert re.search(told, found) and SECRET not in found and "\n" not in found


def test_a_missing_driver_of_postgres_is_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    found = refused(f"postgresql+psycopg://ada:{SECRET}@host/db")
    assert "needs psycopg, which is not installed: pip install 'sambench[postgres]'" in found


def test_one_driver_of_postgres_is_enough_to_know():
    assert str(Address("postgresql://ada@host/db")) == "postgresql+psycopg://ada@host/db"


def test_what_is_told_of_an_address_holds_no_secret():
    url = (
        f"postgresql+psycopg://ada:{SECRET}@host:5/db?port=6&sslpassword={SECRET}2&sslmode=require"
    )
    address = Address(url)
    assert (
        str(address) == repr(address) == "postgresql+psycopg://ada@host:5/db?port=6&sslmode=require"
    )
    told = address.without_secrets(f"password {SECRET}, key {SECRET}2, url {url}")
    assert SECRET not in told


@pytest.fixture
def folder(spec: Spec, tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "runs", config.parse(spec))


def test_an_address_that_does_not_answer(folder: StudyFolder):
    url = f"postgresql+psycopg://ada:{SECRET}@127.0.0.1:9/db"
    with pytest.raises(UserError) as told, folder.opened(url):
        pass
    assert "--storage: postgresql+psycopg://ada@127.0.0.1:9/db cannot be used: " in str(told.value)
    assert "onnection" in str(told.value) and SECRET not in str(told.value)


def test_a_file_that_is_no_database(folder: StudyFolder, tmp_path: Path):
    (tmp_path / "notes.db").write_text("my notes, which are longer than a header" * 9)
    with pytest.raises(UserError, match=r"notes\.db cannot be used: file is not a database"):
        with folder.opened(f"sqlite:///{tmp_path / 'notes.db'}"):
            pass
    with pytest.raises(UserError, match="unable to open database file"):
        with folder.opened(f"sqlite:///{tmp_path / 'no' / 'folder.db'}"):
            pass


def test_a_database_of_another_version_of_optuna(folder: StudyFolder, tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'trials.db'}"
    with folder.opened(url):
        pass
    with sqlite3.connect(tmp_path / "trials.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v0.9.0.a'")
    connection.close()
    with pytest.raises(UserError, match="optuna storage upgrade"), folder.opened(url):
        pass


def test_one_driver_a_study_whatever_its_folder(spec: Spec, folder: StudyFolder, tmp_path: Path):
    """Of another study, the file takes another driver."""
    url, elsewhere = f"sqlite:///{tmp_path / 'trials.db'}", tmp_path / "elsewhere"
    same = StudyFolder(elsewhere, folder.study)
    other = StudyFolder(elsewhere, config.parse(spec | {"name": "other"}))
    linked = tmp_path / "linked.db"
    linked.symlink_to(tmp_path / "trials.db")
    with folder.opened(url):
        told = f"study 'tiny' is being run already, by process {os.getpid()} of "
        for again in (url, f"sqlite:///{linked}", f"sqlite:///file:{linked}?uri=true"):
            with pytest.raises(Held, match=told), same.opened(again):
                pass
        with other.opened(url):
            pass
    with same.opened(url):
        pass


def test_an_error_in_the_midst_is_a_line_without_its_statement(folder: StudyFolder, tmp_path: Path):
    path = tmp_path / "trials.db"
    with pytest.raises(WorkFailed) as told, folder.opened(f"sqlite:///{path}") as storage:
        study = optuna.create_study(storage=storage)
        with sqlite3.connect(path) as connection:
            connection.execute("DROP TABLE trials")
        connection.close()
        study.ask()
    assert "no such table: trials; finished runs are kept, and the same command" in str(told.value)
    assert "SELECT" not in str(told.value) and "\n" not in str(told.value)


def test_braces_in_a_password_are_no_template(folder: StudyFolder):
    url = f"postgresql+psycopg://ada:%7B{SECRET}%7D{{0}}@127.0.0.1:9/db"
    with pytest.raises(UserError, match="cannot be used") as told, folder.opened(url):
        pass
    assert SECRET not in str(told.value)


def test_the_environment_names_a_storage(monkeypatch: pytest.MonkeyPatch):
    assert chosen(None) is None
    monkeypatch.setenv("SAMBENCH_STORAGE", "sqlite:///a.db")
    assert (chosen(None), chosen("sqlite:///b.db")) == ("sqlite:///a.db", "sqlite:///b.db")


def test_a_study_is_the_same_wherever_its_trials_are(
    run: Any, recorded: Any, spec: Spec, tmp_path: Path
):
    """It goes on with another storage, which is filled from the results; so does a sampler."""
    spec["search"] |= {"sampler": "tpe", "searches": 20, "budget": 1.0}
    spec |= {"variants": [], "train": {"epochs": 1, "batch_size": 64}}  # plain alone
    run(spec)
    at, url = tmp_path / "runs" / "tiny", f"sqlite:///{tmp_path / 'trials.db'}"
    before = recorded(at)
    (at / "records.csv").unlink()
    run(spec, storage=url)
    assert recorded(at) == before
    study = config.parse(spec)
    for arm in study.arms():
        one, other = (
            optuna.load_study(study_name=study_name(study, arm), storage=storage).trials
            for storage in (journal(at / "journal.log"), url)
        )
        assert len(one) == 20
        assert list(map(told, other)) == list(map(told, one))
    assert "sqlite" not in (at / "study.json").read_text()


def told(trial: FrozenTrial) -> tuple[object, ...]:
    own = (trial.params, trial.distributions, trial.user_attrs, trial.intermediate_values)
    return trial.state, trial.value, *own


def journal(path: Path) -> optuna.storages.JournalStorage:
    backend = optuna.storages.journal.JournalFileBackend(str(path))
    return optuna.storages.JournalStorage(backend)
