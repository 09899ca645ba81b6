"""A W&B server on loopback, as small as the real `wandb sweep`, `wandb agent` and runs allow.

It keeps what it is told (sweeps, runs, their history and files) in memory. Configs are handed out
from a list, once each, to whichever agent asks first; it stops what `to_stop` names.
"""

import gzip
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import yaml

VIEWER = {
    "id": "u1",
    "flags": "{}",
    "entity": "me",
    "username": "me",
    "email": "a@b.c",
    "admin": False,
    "teams": {"edges": []},
}


@dataclass
class Bucket:
    """A run as the server knows it."""

    name: str
    config: dict[str, Any] = field(default_factory=dict)
    group: str = ""
    sweep: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None


class Server:
    """A context manager; `env` is what clients need."""

    def __init__(self, configs: list[dict[str, Any]] | None = None) -> None:
        self.waiting = list(configs or [])
        self.sweeps: dict[str, dict[str, Any]] = {}
        self.agents: dict[str, list[str]] = {}
        self.running: dict[str, str] = {}  # run -> agent
        self.handed: dict[str, dict[str, Any]] = {}  # run -> config
        self.to_stop: set[str] = set()
        self.buckets: dict[str, Bucket] = {}
        self.views: list[dict[str, Any]] = []
        self.operations: list[str] = []
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def env(self) -> dict[str, str]:
        return {
            "WANDB_BASE_URL": self.url,
            "WANDB_API_KEY": "0" * 40,
            "WANDB_ERROR_REPORTING": "false",
            "WANDB_MODE": "online",
            "WANDB_SILENT": "false",
            "HTTPS_PROXY": "http://127.0.0.1:9",  # nothing but loopback
            "NO_PROXY": "127.0.0.1",
        }

    def graphql(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        match = re.search(r"(?:mutation|query)\s+(\w+)", query)
        with self._lock:
            self.operations.append(match[1] if match else query[:60])
            return self._answer(query, variables)

    def _answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        if "viewer" in query:
            data["viewer"] = VIEWER
        if "serverInfo" in query:
            data["serverInfo"] = {
                "cliVersionInfo": {"max_cli_version": "0.99.0", "min_cli_version": "0.1.0"},
                "latestLocalVersionInfo": None,
                "features": [],
            }
        if "upsertSweep" in query:
            data["upsertSweep"] = self._upsert_sweep(variables)
        elif "createAgent" in query:
            agent = f"agent{len(self.agents)}"
            self.agents[agent] = []
            data["createAgent"] = {"agent": {"id": agent}}
        elif "agentHeartbeat" in query:
            commands = self._commands(
                variables["id"], json.loads(variables.get("runState") or "{}")
            )
            agent = {"agent": {"id": variables["id"]}, "commands": json.dumps(commands)}
            data["agentHeartbeat"] = agent
        elif "upsertBucket" in query:
            data["upsertBucket"] = self._upsert_bucket(variables)
        elif "upsertView" in query:
            self.views.append(variables)
            project = {"id": "p1", "name": variables["projectName"], "entityName": "me"}
            shown = {
                k: variables[k] for k in ("name", "type", "displayName", "description", "spec")
            }
            view = {"id": "view1", "project": project, "updatedAt": "2026-11-22T00:00:00", **shown}
            data["upsertView"] = {"view": view, "inserted": True}
        elif "sweep(" in query:
            data["project"] = {"sweep": self._sweep(variables)}
        elif "createRunFiles" in query:
            data["createRunFiles"] = {"runID": "r1", "uploadHeaders": [], "files": []}
        elif "models(" in query:
            data["models"] = {"edges": [], "pageInfo": {"endCursor": None, "hasNextPage": False}}
        elif "upsertModel" in query:
            project = {"id": "p1", "name": "sambench", "entityName": "me"}
            data["upsertModel"] = {"model": project, "project": project, "inserted": True}
        elif "project(" in query or "model(" in query:
            data["project"] = data["model"] = {"id": "p1", "internalId": "p1", "name": "sambench",
                                               "entity": {"id": "e1", "name": "me"}}  # fmt: skip
        return {"data": data}

    def _upsert_sweep(self, variables: dict[str, Any]) -> dict[str, Any]:
        name = f"swp{len(self.sweeps):05d}"
        self.sweeps[name] = yaml.safe_load(variables["config"])
        return {"sweep": self._sweep({"sweep": name}), "configValidationWarnings": []}

    def _sweep(self, variables: dict[str, Any]) -> dict[str, Any]:
        name = variables.get("sweep") or variables.get("name") or next(iter(self.sweeps))
        project = {"id": "p1", "name": "sambench", "entity": {"id": "e1", "name": "me"}}
        config = yaml.safe_dump(self.sweeps.get(name, {}))
        return {
            "id": name,
            "name": name,
            "displayName": name,
            "method": "random",
            "state": "RUNNING",
            "project": project,
            "config": config,
            "description": "",
            "createdAt": "2026-11-22T00:00:00",
            "heartbeatAt": "",
            "updatedAt": "",
            "earlyStopJobRunning": False,
            "bestLoss": None,
            "controller": None,
            "scheduler": None,
            "runs": {"edges": []},
            "priorRuns": {"edges": []},
            "runCount": 0,
            "runCountExpected": None,
        }

    def _commands(self, agent: str, states: dict[str, bool]) -> list[dict[str, Any]]:
        """Stops first; then one run for an idle agent, or the end."""
        for run in self.agents[agent]:
            if run not in states:
                self.running.pop(run, None)
        mine = [run for run in self.agents[agent] if run in states]
        stops = [{"type": "stop", "run_id": run} for run in mine if run in self.to_stop]
        if stops or mine:
            return stops
        if not self.waiting:
            return [{"type": "exit"}]
        run, config = f"run{len(self.handed):05d}", self.waiting.pop(0)
        self.handed[run] = config
        self.agents[agent].append(run)
        self.running[run] = agent
        args = {name: {"value": value} for name, value in config.items()}
        return [{"type": "run", "run_id": run, "program": "train.py", "args": args}]

    def _upsert_bucket(self, variables: dict[str, Any]) -> dict[str, Any]:
        name = variables.get("name") or variables.get("id") or "unnamed"
        bucket = self.buckets.setdefault(name, Bucket(name))
        config = json.loads(variables.get("config") or "{}")
        bucket.config |= {k: v.get("value") for k, v in config.items() if isinstance(v, dict)}
        bucket.group = variables.get("groupName") or bucket.group
        bucket.sweep = variables.get("sweep") or bucket.sweep
        project = {"id": "p1", "name": "sambench", "entity": {"id": "e1", "name": "me"}}
        run = {"id": name, "name": name, "displayName": name, "description": "", "config": "{}",
               "sweepName": bucket.sweep, "project": project, "historyLineCount": 0}  # fmt: skip
        return {"bucket": run, "inserted": True, "updated": False}

    def stream(self, run: str, body: dict[str, Any]) -> dict[str, Any]:
        """What runs send while they log."""
        with self._lock:
            bucket = self.buckets.setdefault(run, Bucket(run))
            files = body.get("files") or {}
            for line in files.get("wandb-history.jsonl", {}).get("content", []):
                bucket.history.append(json.loads(line))
            for line in files.get("wandb-summary.json", {}).get("content", []):
                bucket.summary = json.loads(line)
            if body.get("complete"):
                bucket.exit_code = body.get("exitcode")
        return {"limits": {}}


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _send(self, content: Any) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self._send({})

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._send({})

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                raw = gzip.decompress(raw)
            body = json.loads(raw or b"{}")
            if match := re.match(r"/files/[^/]+/[^/]+/([^/]+)/file_stream", self.path):
                self._send(server.stream(match[1], body))
            else:
                self._send(server.graphql(body.get("query", ""), body.get("variables") or {}))

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
