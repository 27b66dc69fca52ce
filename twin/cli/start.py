"""`twin run` and `twin serve`: start the processes, show how far they are, end them in order."""

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from twin.app import Settings, TwinApp
from twin.cli.api import TwinApi
from twin.cli.words import spoken
from twin.clock import WallClock
from twin.launch import STOP_WITHIN_S, BrokerProcess, Child, Keeper, LaunchError, port_is_free, world_module
from twin.model.topology import Pilot
from twin.pilot import PilotError, load_pilot

REFUSED, FAILED = 2, 1
_LOOK_EVERY_S = 0.1
_ASK_EVERY_S = 1.0
_UP_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `twin run` was asked for."""

    pilot: Path
    speed: float
    duration_s: float | None
    start: datetime | None
    backfill_s: int
    broker: str | None
    store: str | None
    port: int
    host: str
    folder: Path | None
    summary: Path | None
    grafana: str | None = None


def serve(
    path: Path,
    *,
    broker: str,
    store: str | None,
    host: str,
    port: int,
    folder: Path | None,
    grafana: str | None = None,
) -> int:
    """Run the twin in this process until SIGTERM or Ctrl-C."""
    err = Console(stderr=True)
    try:
        pilot = load_pilot(path)
    except PilotError as error:
        err.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return REFUSED
    settings = Settings(
        broker=broker,
        store=store,
        host=host,
        port=port,
        folder=folder or default_folder(pilot),
        grafana=grafana,
        pilot_file=path,
    )
    try:
        app = TwinApp(pilot, settings)
    except (ValueError, RuntimeError) as error:
        err.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return REFUSED
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: app.stop())
    app.run()
    return 0


def default_folder(pilot: Pilot) -> Path:
    """Where a pilot's history and logs go when nobody says otherwise."""
    return Path("var") / pilot.name


def run(options: Options) -> int:
    """Start everything, watch it, and end it. 0 after an orderly end, 2 for refused input, 1 for a failure."""
    err = Console(stderr=True)
    try:
        pilot = load_pilot(options.pilot)
    except PilotError as error:
        err.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return REFUSED
    if not port_is_free(options.host, options.port):
        err.print(f"port {options.port} is taken; give another with --port, or end what listens there")
        return REFUSED
    try:
        return Launch(pilot, options, err).run()
    except LaunchError as error:
        err.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return REFUSED if error.refused else FAILED


class Launch:
    """One run of a pilot with all its processes."""

    def __init__(self, pilot: Pilot, options: Options, console: Console) -> None:
        self._pilot = pilot
        self._options = options
        self._console = console
        self._clock = WallClock()
        self._folder = options.folder or default_folder(pilot)
        self._url = f"http://{'127.0.0.1' if options.host == '0.0.0.0' else options.host}:{options.port}"  # noqa: S104
        self._api = TwinApi(self._url, timeout_s=2.0)
        self._keepers: list[Keeper] = []
        self._stopping = False
        self._first_page_s = 0.0

    def run(self) -> int:
        """The whole life of a run."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._folder.mkdir(parents=True, exist_ok=True)
        started_s = self._clock.monotonic_s()
        summary = None
        try:
            broker = self._start_broker()
            self._start_twin(broker)
            self._first_page_s = self._clock.monotonic_s() - started_s
            self._console.print(f"[bold]{self._pilot.title}[/]: [link]{self._url}[/link]   Ctrl-C ends it")
            self._start_world(broker)
            self._watch()
        finally:
            summary = self._end()
        self._report(summary)
        return 0

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _keep(self, process: BrokerProcess | Child) -> None:
        process.start()
        self._keepers.append(Keeper(process, self._clock, self._tell))

    def _tell(self, text: str) -> None:
        self._console.print(f"[yellow]{text}[/]")

    def _start_broker(self) -> str:
        if self._options.broker is not None:
            return self._options.broker
        broker = BrokerProcess(self._folder / "broker")
        self._keep(broker)
        return broker.url

    def _start_twin(self, broker: str) -> None:
        options = self._options
        arguments = ["-m", "twin", "serve", str(options.pilot), "--broker", broker, "--port", str(options.port)]
        arguments += ["--host", options.host, "--folder", str(self._folder)]
        if options.store is not None:
            arguments += ["--store", options.store]
        if options.grafana is not None:
            arguments += ["--grafana", options.grafana]
        twin = Child(name="twin", arguments=arguments, log=self._folder / "twin.log")
        self._keep(twin)
        give_up_s = self._clock.monotonic_s() + _UP_WITHIN_S
        while not self._stopping and not self._api.first_page():
            if twin.returncode() is not None:
                raise LaunchError(
                    f"the twin does not start:\n{twin.last_words()}", refused=twin.returncode() == REFUSED
                )
            if self._clock.monotonic_s() > give_up_s:
                raise LaunchError(f"the console does not answer at {self._url} after {_UP_WITHIN_S:.0f} s")
            self._clock.sleep(_LOOK_EVERY_S)

    def _start_world(self, broker: str) -> None:
        module = world_module()
        if module is None:
            self._tell("no simulated world is installed; only live devices will be seen")
            return
        options = self._options
        arguments = ["-m", module, str(options.pilot), "--broker", broker, "--speed", str(options.speed)]
        arguments += ["--backfill-s", str(options.backfill_s), "--folder", str(self._folder)]
        if options.start is not None:
            arguments += ["--start", options.start.isoformat()]
        if options.duration_s is not None:
            arguments += ["--duration-s", str(options.duration_s)]
        self._keep(Child(name="world", arguments=arguments, log=self._folder / "world.log"))

    def _watch(self) -> None:
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        with bar:
            task = bar.add_task("starting the world", total=None, note="")
            asked_s = 0.0
            while not self._stopping:
                for keeper in self._keepers:
                    keeper.look(may_finish=keeper.watched.name == "world" and self._options.duration_s is not None)
                    refused = keeper.watched.name == "world" and keeper.watched.returncode() == REFUSED
                    if refused and isinstance(keeper.watched, Child):
                        raise LaunchError(f"the world refuses its input:\n{keeper.watched.last_words()}", refused=True)
                if any(keeper.finished for keeper in self._keepers):
                    return
                now_s = self._clock.monotonic_s()
                if now_s - asked_s >= _ASK_EVERY_S:
                    asked_s = now_s
                    self._show(bar.update, task)
                self._clock.sleep(_LOOK_EVERY_S)

    def _show(self, update: Callable[..., None], task: object) -> None:
        health = self._api.ask("/health")
        if health is None:
            update(task, description="waiting for the twin", note="")
            return
        until, at = health.get("backfill_until"), health["at"]
        if until is not None:
            left_s = (datetime.fromisoformat(until) - datetime.fromisoformat(at)).total_seconds()
            done_s = max(self._options.backfill_s - left_s, 0.0)
            update(
                task,
                description="filling in history",
                total=self._options.backfill_s,
                completed=done_s,
                note=f"{spoken(max(left_s, 0.0))} to go",
            )
            return
        world = health.get("world") or {}
        missed, steps = world.get("missed_deadlines", 0), world.get("steps", 0)
        update(
            task,
            description="live",
            total=None,
            note=f"{at[:19].replace('T', ' ')}  {steps} steps, {missed} missed, "
            f"{health['ingest']['twin_updates']:,} updates",
        )

    def _end(self) -> dict[str, object] | None:
        """World first, so that its last figures reach the twin; then ask the twin; then end it and the broker."""
        by_name = {keeper.watched.name: keeper.watched for keeper in self._keepers}
        if "world" in by_name:
            by_name["world"].stop(STOP_WITHIN_S)
        figures = self._api.ask("/summary") if "twin" in by_name and by_name["twin"].returncode() is None else None
        summary = {**figures, "first_page_s": round(self._first_page_s, 2)} if figures else None
        for name in ("twin", "broker"):
            if name in by_name:
                by_name[name].stop(STOP_WITHIN_S)
        return summary

    def _report(self, summary: dict[str, object] | None) -> None:
        if summary is None:
            self._tell("the twin was gone before it could say how the run went")
            return
        if self._options.summary is not None:
            self._options.summary.write_text(json.dumps(summary, indent=2) + "\n")
        self._console.print_json(json.dumps(summary)) if sys.stdout.isatty() else sys.stdout.write(
            json.dumps(summary) + "\n"
        )
