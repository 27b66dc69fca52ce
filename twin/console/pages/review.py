"""The strip above every page that chooses a past moment, or steers a replay; and says plainly that it is not now.

Everything on it works with the keyboard: the slider by arrow keys and Page Up and Down, the rest by Tab and Enter.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from nicegui import ui
from nicegui.events import GenericEventArguments

from twin.console.kit import Text, button, put, tag
from twin.console.live import TICK_S
from twin.console.look import Look, MomentError
from twin.console.past import UNSAMPLED
from twin.console.player import SPEEDS, Player
from twin.console.words import age

_DAY = timedelta(hours=24)
_STEPS = (("\N{MINUS SIGN}10 min", -600), ("\N{MINUS SIGN}1 min", -60), ("+1 min", 60), ("+10 min", 600))
_AROUND = timedelta(minutes=30)  # of the moment shown, in an exported incident
_VALUE = "(event) => emit(event.target.value)"
_FILLED = " History of then was filled in or driven, in long steps: ages say little."
_HOLD_S = 2.0  # after a touch of the slider, before it follows the replay again


class Strip:
    """What both strips have: the words, a slider over a stretch of time, and a place for what cannot be."""

    def __init__(self, label: str, chosen: Callable[[datetime], object]) -> None:
        self._chosen = chosen
        with tag("section", "review", aria_label=label) as self.place:
            with tag("div", "row", role="status"):
                self.what = Text("", classes="strong")
                self.how = Text("", classes="soft")
            with tag("div", "review-time"):
                self._first = Text("", classes="faint")
                self._slider = tag("input", type="range", step="1", aria_label=f"{label}: moment shown")
                self._last = Text("", classes="faint")
            self.tools = tag("div", "row")
            self.error = Text("", tag="p", classes="tone-bad")
            put(self.error, "role", "alert")
        self._slider.on("input", self._sliding, js_handler=_VALUE, throttle=0.1)
        self._slider.on("change", self._slid, js_handler=_VALUE)

    def stretch(self, first: datetime, last: datetime) -> None:
        """Let the slider run from `first` to `last`."""
        put(self._slider, "min", str(int(first.timestamp())))
        put(self._slider, "max", str(int(last.timestamp())))
        self._first.say(f"{first:%d %b %H:%M}")
        self._last.say(f"{last:%d %b %H:%M}")

    def step(self, seconds: int) -> None:
        """How far an arrow key moves the slider."""
        put(self._slider, "step", str(seconds))

    def stand(self, at: datetime) -> None:
        """Put the slider to `at`."""
        put(self._slider, "value", str(int(at.timestamp())))
        put(self._slider, "aria-valuetext", f"{at:%Y-%m-%d %H:%M:%S} UTC")

    def touched(self) -> None:
        """The slider is being moved."""

    def _sliding(self, event: GenericEventArguments) -> None:
        self.touched()
        self.how.say(f"to {_moment(event):%Y-%m-%d %H:%M:%S} UTC")

    async def _slid(self, event: GenericEventArguments) -> None:
        self.touched()
        answer = self._chosen(_moment(event))
        if answer is not None:
            await answer  # type: ignore[misc]


class PastStrip(Strip):
    """Over a live twin: hidden until asked for, and always seen while the window shows a past moment."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._entered = ""
        self._open = False
        super().__init__("Past moment", self._show)
        with self.tools:
            self._entry = tag("input", "entry", type="datetime-local", step="1", aria_label="Date and time, UTC")
            self._entry.on("change", self._enter, js_handler=_VALUE)
            self._entry.on("keydown.enter", self._enter_and_show, js_handler=_VALUE)
            button("Show", self._show_entered)
            for name, seconds in _STEPS:
                button(name, self._mover(seconds))
            self._export: Text | None = None
            if look.views.sources.incident is not None:
                self._export = Text("Export this hour", tag="a", classes="button")
                put(self._export, "title", "Everything half an hour around the moment, as an incident archive")
            tag("span", "grow")
            self._back = button("Back to live", look.back_to_live, prime=True)
        look.on_change(self.update)
        self.update()

    async def toggle(self) -> None:
        """Open the strip, or close it; closing goes back to live."""
        self._open = not self._open
        if not self._open:
            self._look.back_to_live()
        else:
            await self._stretch(self._look.moments.live.sources.clock.now())
        self.update()

    def update(self) -> None:
        """Say what is shown."""
        at, live = self._look.at, self._look.moments.live.sources
        shown = self._open or at is not None
        self._open = shown
        self.place.classes(remove="hidden" if shown else "", add="" if shown else "hidden")
        self.place.classes(remove="" if at else "past", add="past" if at else "")
        self._back.classes(remove="hidden" if at else "", add="" if at else "hidden")
        now = live.clock.now()
        if at is None:
            self.what.say("Live.")
            self.how.say("Move the slider, or give a time, to see the pilot as it was known then.")
        else:
            self.what.say(f"Past: {at:%a %d %b %Y %H:%M:%S} UTC, as it was known then.")
            filled = self._look.views.health.get().mode == UNSAMPLED
            self.how.say(f"{age((now - at).total_seconds())} ago; no command can be sent.{_FILLED if filled else ''}")
        middle = at or now
        self.stand(middle)
        put(self._entry, "value", f"{middle:%Y-%m-%dT%H:%M:%S}")
        self._entered = f"{middle:%Y-%m-%dT%H:%M:%S}"
        if self._export is not None:
            start, end = middle - _AROUND, min(middle + _AROUND, now)
            put(self._export, "href", f"/api/v1/incident?start={start:%Y-%m-%dT%H:%M:%SZ}&end={end:%Y-%m-%dT%H:%M:%SZ}")

    async def _show(self, at: datetime) -> None:
        self.error.say("")
        self.how.say("rebuilding …")
        try:
            await self._look.show(at)
        except MomentError as error:
            self.error.say(str(error))
        await self._stretch(self._look.at or self._look.moments.live.sources.clock.now())
        self.update()

    async def _stretch(self, around: datetime) -> None:
        """The last day; around an older moment the day that it stands in the middle of."""
        now = self._look.moments.live.sources.clock.now()
        last = now if now - around < _DAY else min(now, around + _DAY / 2)
        first = last - _DAY
        try:
            first = max(first, (await self._look.moments.span())[0])
        except MomentError as error:
            self.error.say(str(error))
        self.stretch(first, last)
        self.step(60)

    def _enter(self, event: GenericEventArguments) -> None:
        self._entered = str(event.args)

    async def _enter_and_show(self, event: GenericEventArguments) -> None:
        self._enter(event)
        await self._show_entered()

    async def _show_entered(self) -> None:
        try:
            at = datetime.fromisoformat(self._entered).replace(tzinfo=UTC)
        except ValueError:
            self.error.say("Give a date and a time, for instance 2026-06-21 17:30:00; it is taken as UTC.")
            return
        await self._show(at)

    def _mover(self, seconds: int) -> Callable[[], object]:
        async def move() -> None:
            now = self._look.moments.live.sources.clock.now()
            await self._show(min((self._look.at or now) + timedelta(seconds=seconds), now))

        return move


class ReplayStrip(Strip):
    """Over a replay: always seen; steers it for all windows."""

    def __init__(self, name: str, player: Player) -> None:
        self._name = name
        self._player = player
        self._held = 0.0
        super().__init__("Replay", player.seek)
        with self.tools:
            self._play = button("Pause", self._toggle, prime=True)
            with tag("label", "row soft"):
                Text("Speed")
                with tag("select", "entry", aria_label="Speed") as self._speed:
                    for speed in sorted({*SPEEDS, player.speed}):
                        option = Text(f"\N{MULTIPLICATION SIGN}{speed:g}", tag="option")
                        put(option, "value", f"{speed:g}")
            self._speed.on("change", lambda event: player.set_speed(float(event.args)), js_handler=_VALUE)
            for label, seconds in _STEPS:
                button(label, self._mover(seconds))
            button("To the start", lambda: player.seek(player.start))
        self.place.classes("past")
        self.stretch(player.start, player.end)
        self.step(max(1, int((player.end - player.start).total_seconds() // 1_000)))
        ui.timer(TICK_S / 2, self.update)
        self.update()

    def touched(self) -> None:
        """The slider is being moved: let it go for a while."""
        self._held = _HOLD_S / (TICK_S / 2)

    def update(self) -> None:
        """Say where the replay is."""
        player, now = self._player, self._player.now
        self.what.say(
            f"Replay of {self._name} at {now:%a %d %b %Y %H:%M:%S} UTC, \N{MULTIPLICATION SIGN}{player.speed:g}"
        )
        self._play.say("Pause" if player.playing else "Play")
        put(self._speed, "value", f"{player.speed:g}")
        self.error.say(f"History cannot be read: {player.trouble}" if player.trouble else "")
        if self._held > 0:
            self._held -= 1
            return
        stands = "at its end" if now >= player.end else "standing still"
        self.how.say(("as it was known then" if player.playing else stands) + "; no command can be sent.")
        self.stand(now)

    def _toggle(self) -> None:
        if self._player.playing:
            self._player.pause()
        else:
            self._player.play()
        self.update()

    def _mover(self, seconds: int) -> Callable[[], object]:
        def move() -> None:
            self._player.seek(self._player.now + timedelta(seconds=seconds))

        return move


def strip(look: Look) -> PastStrip | None:
    """The strip that fits: that of a replay where there is one, else that for past moments."""
    sources = look.views.sources
    if sources.player is None:
        return PastStrip(look)
    ReplayStrip(sources.pilot.name, sources.player)
    return None


def _moment(event: GenericEventArguments) -> datetime:
    return datetime.fromtimestamp(float(event.args), UTC)
