"""One driver a study, where PostgreSQL keeps its trials: whichever host and folder it runs from.

The lock belongs to the connection that writes, and ends with it; nobody takes it over by time.
"""

import hashlib
import time
import uuid
from typing import Any

from sambench.study.holder import Held, Holder

POSTGRES = "postgresql"
MARK = "sambench"
OWN_END_S = 5.0  # for a connection of our own that we lost and the server has not
KEEPALIVE = {"idle": 60, "interval": 10, "count": 6}
"""After two minutes without a sign of life the server ends the session of a host that is gone."""


class Claim:
    """What a driver wants to hold.

    study: its name, for messages
    identity: what is the same for all drivers of the study, and for no other
    """

    def __init__(self, study: str, identity: str) -> None:
        self.study = study
        digest = hashlib.blake2b(identity.encode(), digest_size=8).digest()
        self.key = int.from_bytes(digest, signed=True)
        self._own = f"{MARK} {uuid.uuid4().hex[:8]}"

    def take(self, connection: Any, record: object = None) -> None:
        """Takes the lock on a new connection of a driver such as psycopg's; Held if it is taken."""
        holder = Holder.here()
        name = f"{self._own} {holder.pid} {holder.user}@{holder.host.partition('.')[0]}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('application_name', %s, false)", (name,))
            for setting, value in KEEPALIVE.items():
                cursor.execute(f"SET tcp_keepalives_{setting} = {value}")
            end = time.monotonic() + OWN_END_S
            while not self._try(cursor):
                if time.monotonic() > end or not self._end_own(cursor):
                    raise Held(self.study, self._who(cursor))
                time.sleep(0.1)
        connection.commit()

    def _try(self, cursor: Any) -> bool:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", (self.key,))
        return cursor.fetchone()[0]

    def _end_own(self, cursor: Any) -> bool:
        """Ends the session that this driver had before, if it is that which holds the lock."""
        cursor.execute(
            f"SELECT pg_terminate_backend(pid) FROM ({HOLDER}) AS holder "
            "WHERE application_name LIKE %s",
            (*self._halves, f"{self._own} %"),
        )
        return cursor.fetchone() is not None

    def _who(self, cursor: Any) -> Holder | str:
        cursor.execute(HOLDER, self._halves)
        found = cursor.fetchone()
        if found is None:
            return "a driver that has just ended"
        _, application, role, since = found
        try:
            mark, _, pid, own = application.split(" ", 3)
            user, _, host = own.partition("@")
            assert mark == MARK
            return Holder(host, int(pid), user, str(since))
        except (AttributeError, ValueError, AssertionError):
            return f"a session of the database's user {role}, since {since} UTC"

    @property
    def _halves(self) -> tuple[int, int]:
        """The key as pg_locks has it."""
        return (self.key >> 32) & 0xFFFFFFFF, self.key & 0xFFFFFFFF


HOLDER = """
SELECT pid, application_name, usename,
       to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND classid::bigint = %s AND objid::bigint = %s AND objsubid = 1
"""
