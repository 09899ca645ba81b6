"""The database that --storage names."""

import json
import os

from sambench.doctor import programs
from sambench.doctor.check import Asked, Finding, ok, problem, warning

VARIABLE = "SAMBENCH_STORAGE"
WITHIN_S = 20.0
SLOW_MS = 50.0
PROBE = """
import json, os, statistics, sys, time
url = os.environ["SAMBENCH_STORAGE"]
def timed(call):
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)
if url.startswith("redis"):
    import redis
    client = redis.Redis.from_url(url)
    print(json.dumps({"ms": statistics.median(timed(client.ping) for _ in range(5))}))
    sys.exit()
from sqlalchemy import create_engine, inspect, make_url, text
made = make_url(url)
file = made.database if made.get_backend_name() == "sqlite" else None
if file not in (None, "", ":memory:") and not os.path.exists(file):
    folder = os.path.dirname(os.path.abspath(file))
    print(json.dumps({"absent": file, "writable": os.access(folder, os.W_OK | os.X_OK)}))
    sys.exit()
with create_engine(made).connect() as connection:
    times = [timed(lambda: connection.execute(text("SELECT 1"))) for _ in range(5)]
    found = {"ms": statistics.median(times)}
    if inspect(connection).has_table("studies"):
        found["studies"] = connection.execute(text("SELECT count(*) FROM studies")).scalar()
    elif made.get_backend_name() == "postgresql":
        may = "SELECT has_schema_privilege(current_schema(), 'CREATE')"
        found["may_create"] = connection.execute(text(may)).scalar()
print(json.dumps(found))
"""
"""Reads only: Optuna would make its tables."""


def storage(asked: Asked) -> Finding:
    url = asked.storage or os.environ.get(VARIABLE)
    if not url or url == "journal":
        return ok("each study's own journal: nothing to reach")
    answer = programs.python(
        PROBE, within_s=WITHIN_S, environment={**os.environ, VARIABLE: url}
    )  # not as an argument, which every user of the host could read
    if answer.code is None:
        return problem(
            f"{url} gives no answer within {WITHIN_S:.0f} s", "check host, port and firewall"
        )
    try:
        found = json.loads(answer.out.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return _refused(url, answer.err)
    if "absent" in found:
        if found["writable"]:
            return ok(f"{found['absent']} will be made by the first study")
        return problem(f"{found['absent']} cannot be made there", "name a folder that is yours")
    if found.get("may_create") is False:
        line = f"{url} has no tables of Optuna's, and this user may not make them"
        return problem(line, "as its owner: GRANT CREATE ON SCHEMA public TO your_user;")
    holds = f", {found['studies']} studies" if "studies" in found else ""
    line = f"{url} answers in {found['ms']:.1f} ms{holds}"
    if found["ms"] > SLOW_MS:
        return warning(f"{line}: a run waits for some 20 answers", "drive studies nearer to it")
    return ok(line)


def _refused(url: str, err: str) -> Finding:
    lines = [line for line in err.splitlines() if "Error" in line or "Exception" in line]
    why = lines[-1].strip() if lines else programs.last_line(err)
    if "No module named" in err:
        return problem(
            f"{url}: {why}", "pip install 'sambench[postgres]', or the database's driver"
        )
    return problem(f"{url} cannot be used: {why}", "check address, name, password and database")
