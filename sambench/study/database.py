"""Trials in a database: any that Optuna takes, by its URL.

What is told of it holds no password, nor do its errors, whose statements hold more than that.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, TypeVar

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.storages._rdb.models import TrialModel, TrialUserAttributeModel
from optuna.trial import TrialState
from sqlalchemy import NullPool, make_url, select
from sqlalchemy.dialects import registry
from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from sambench.errors import UserError, WorkFailed, nearest, said
from sambench.study import sqlite
from sambench.study.postgres import POSTGRES, Claim
from sambench.study.storage import MayGoAway

T = TypeVar("T")

PATIENCE_S = 600.0  # for a database that went away
BUSY_S = 60.0  # for a file that another program writes to
PAUSES_S = (0.2, 10.0)  # between two attempts: the first, and the longest
EXAMPLES = "sqlite:///trials.db or postgresql+psycopg://USER@HOST/DATABASE"
EXTRAS = {"psycopg": "sambench[postgres]"}
"""Module of a driver -> what to install, where that is not named alike."""
SHOWN = ("host", "port", "sslmode")
"""Options of a URL that hold no secret."""


class Address:
    """The URL of a database. Its text is without the password, and without what may hold one."""

    def __init__(self, url: str) -> None:
        """UserError if nothing can be kept there."""
        try:
            found = make_url(url)
        except (ArgumentError, ValueError):  # their words hold the password
            raise UserError(f"--storage: that is no URL; such as {EXAMPLES}") from None
        bare = found.drivername == POSTGRES  # of which versions of SQLAlchemy think differently
        self.url = found.set(drivername=f"{POSTGRES}+psycopg") if bare else found
        if "@" in (self.url.host or ""):
            raise UserError("--storage: write an @ within the user's name or password as %40")
        if self.url.get_backend_name() == "sqlite" and self._is_in_memory:
            raise UserError("--storage: it names no file; such as sqlite:///trials.db")
        self._check_driver()

    def __str__(self) -> str:
        shown = {k: v for k, v in self.url.query.items() if k in SHOWN}
        return URL.create(
            self.url.drivername,
            username=self.url.username,
            host=self.url.host,
            port=self.url.port,
            database=self.url.database,
            query=shown,
        ).render_as_string()

    __repr__ = __str__

    @property
    def is_postgres(self) -> bool:
        return self.url.get_backend_name() == POSTGRES

    @property
    def is_file(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @property
    def _is_in_memory(self) -> bool:
        return self.url.database in (None, "", ":memory:")

    def _check_driver(self) -> None:
        name = self.url.drivername
        try:
            dialect = self.url.get_dialect()
        except NoSuchModuleError:
            known = ["sqlite", "postgresql+psycopg", "mysql+pymysql", *registry.impls]
            raise UserError(f"--storage: no {name!r} is known; {nearest(name, known)}") from None
        try:
            dialect.import_dbapi()
        except ImportError as error:
            module = error.name or dialect.driver
            raise UserError(
                f"--storage: {name} needs {module}, which is not installed: "
                f"pip install {EXTRAS.get(module, module)!r}"
            ) from None

    def without_secrets(self, text: str) -> str:
        """A text, what the URL alone should say taken out."""
        options = [v for k, v in self.url.query.items() if k not in SHOWN]
        values = [part for v in options for part in ([v] if isinstance(v, str) else v)]
        rendered = self.url.render_as_string(hide_password=False)
        for secret in (rendered, self.url.password, *values):
            text = text.replace(str(secret), "***") if secret else text
        return text

    def explained(self, error: BaseException) -> str:
        """What a database's error says, without its statement."""
        cause = error.__cause__ if isinstance(error, StorageInternalError) else error
        original = cause.orig if isinstance(cause, DBAPIError) and cause.orig else cause or error
        return self.without_secrets(said(original))


class Database(optuna.storages._CachedStorage, MayGoAway):
    """Trials in a database: one for all arms of a study, so that they share its connections.

    In PostgreSQL its one connection also holds the study, by an advisory lock: nothing can be
    written without.
    """

    def __init__(self, address: Address, claim: Claim, say: Callable[[str], object]) -> None:
        """UserError if it cannot be opened, Held if another driver holds the study."""
        self.address = address
        self._say = say
        try:
            super().__init__(self._opened(claim))
        except UserError:
            raise
        except (SQLAlchemyError, StorageInternalError) as error:
            why = address.explained(error)
            raise UserError(f"--storage: {address} cannot be used: {why}") from None
        except RuntimeError as error:  # of another version of Optuna
            raise UserError(f"--storage: {address}: {error}") from None

    def _opened(self, claim: Claim) -> RDBStorage:
        url = self.address.url.render_as_string(hide_password=False)
        url = url.replace("{", "{{").replace("}", "}}")  # it is a template of Optuna's
        if self.address.is_file:
            return RDBStorage(url, engine_kwargs={"connect_args": {"timeout": BUSY_S}})
        if not self.address.is_postgres:
            return RDBStorage(url, engine_kwargs={"pool_pre_ping": True, "pool_size": 1})
        RDBStorage(url, engine_kwargs={"poolclass": NullPool})  # makes and checks the tables
        one = {"pool_size": 1, "max_overflow": 0, "pool_pre_ping": True}
        held = {**one, "pool_events": [(partial(_take, claim), "connect")]}
        return RDBStorage(
            url, engine_kwargs=held, skip_compatibility_check=True, skip_table_creation=True
        )

    def close(self) -> None:
        """Lets go of its connections, and with them of the study."""
        self._backend.remove_session()
        self._backend.engine.dispose()

    def points(self, study_id: int, attribute: str) -> list[tuple[int, int, TrialState]]:
        query = (
            select(TrialUserAttributeModel.value_json, TrialModel.trial_id, TrialModel.state)
            .join(TrialModel, TrialModel.trial_id == TrialUserAttributeModel.trial_id)
            .where(TrialModel.study_id == study_id, TrialUserAttributeModel.key == attribute)
            .order_by(TrialModel.trial_id)
        )
        with self._backend.engine.connect() as connection:
            return [(int(value), id, state) for value, id, state in connection.execute(query)]

    def surely(self, call: Callable[[], T], again: Callable[[], object]) -> T:
        try:
            return call()
        except (SQLAlchemyError, StorageInternalError) as error:
            if not self._is_away(error):
                raise
            why = self.address.explained(error)
        self._say(f"{self.address} went away ({why}); waiting up to {PATIENCE_S / 60:.0f} min")
        pause, end = PAUSES_S[0], time.monotonic() + PATIENCE_S
        while True:
            time.sleep(pause)
            try:
                again()
                found = call()
            except (SQLAlchemyError, StorageInternalError) as error:
                if not self._is_away(error) or time.monotonic() > end:
                    raise
            else:
                self._say(f"{self.address} is back")
                return found
            pause = min(2 * pause, PAUSES_S[1])

    def _is_away(self, error: BaseException) -> bool:
        cause = error.__cause__ if isinstance(error, StorageInternalError) else error
        away = isinstance(cause, OperationalError | InterfaceError)
        return away and not self.address.is_file


def _take(claim: Claim, connection: Any, record: object) -> None:
    """The hook of a new connection, whose errors nobody else translates."""
    try:
        claim.take(connection)
    except UserError:
        raise
    except Exception as error:
        raise OperationalError(None, None, error) from error


@contextmanager
def opened(url: str, claim: Claim, say: Callable[[str], object]) -> Iterator[Database]:
    """The database of a URL, held as long as it is open; whatever goes wrong is one line."""
    address = Address(url)
    with ExitStack() as stack:
        database = stack.enter_context(_opened(address, claim, say))
        if address.is_file:
            file = address.url.database or ""
            stack.enter_context(sqlite.held(file, claim.study, claim.key))
        yield database


@contextmanager
def _opened(address: Address, claim: Claim, say: Callable[[str], object]) -> Iterator[Database]:
    database = Database(address, claim, say)
    try:
        yield database
    except (SQLAlchemyError, StorageInternalError) as error:
        raise WorkFailed(
            f"{address}: {address.explained(error)}; finished runs are kept, and the same command "
            "goes on from them"
        ) from None
    finally:
        database.close()
