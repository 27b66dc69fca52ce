"""Asking a device for something: a form, a sentence to confirm, and the command's life as it happens."""

import asyncio

from nicegui import ui

from twin.console.kit import Text, button, tag
from twin.console.live import TICK_S
from twin.console.pages.life import Life
from twin.console.views import Views
from twin.console.words import QUANTITY_NAMES, age, minus, quantity
from twin.model.quantity import QUANTITIES
from twin.model.topology import Device

DURATIONS_S = (60, 300, 900, 3_600)
PRIORITIES = {2: "Low (2)", 5: "Normal (5)", 8: "High (8)"}
_RATED = {  # limits as parts of a rating
    "power_setpoint_w": (-1.0, 1.0, "power_w"),
    "power_limit_w": (0.0, 1.0, "power_w"),
    "discharge_request_w": (0.0, 1.0, "discharge_power_w"),
}


def ask(views: Views, device: Device, name: str) -> None:
    """Open the dialog that asks `device` for a value of the quantity `name`."""
    _Asking(views, device, name).open()


def allowed(device: Device, name: str) -> tuple[float, float]:
    """The lowest and highest value that makes sense for this device."""
    if name in _RATED:
        low, high, rating = _RATED[name]
        return low * device.ratings[rating], high * device.ratings[rating]
    return QUANTITIES[name].minimum, QUANTITIES[name].maximum


class _Asking:
    def __init__(self, views: Views, device: Device, name: str) -> None:
        self._views = views
        self._device = device
        self._name = name
        self._sent: str | None = None
        low, high = allowed(device, name)
        unit = QUANTITIES[name].unit.replace("degC", "°C").replace("1", "share of 1")
        with ui.dialog() as self._dialog, ui.card().classes("dialog"):
            Text(f"Set {QUANTITY_NAMES.get(name, name).lower()} of {device.id}", tag="h2")
            Text(QUANTITIES[name].meaning.capitalize() + ".", tag="p", classes="soft")
            with tag("div", "stack") as self._form:
                with tag("div", "form"):
                    self._value = ui.number(f"Value, {unit}", value=max(low, min(0.0, high)))
                    self._duration = ui.select({s: age(s) for s in DURATIONS_S}, value=DURATIONS_S[1], label="For")
                    self._priority = ui.select(PRIORITIES, value=5, label="Priority")
                    for field in (self._value, self._duration, self._priority):
                        field.props("outlined dense")
                    self._value.props("autofocus")
                Text(f"Allowed: {minus(f'{low:g}')} to {minus(f'{high:g}')} {unit}.", tag="p", classes="faint")
                self._error = Text("", tag="p", classes="tone-bad")
                with tag("div", "row"):
                    tag("span", "grow")
                    button("Cancel", self._dialog.close)
                    button("Review", self._review, prime=True)
            with tag("div", "stack hidden") as self._confirm:
                self._sentence = Text("", tag="p", classes="strong")
                with tag("div", "row"):
                    tag("span", "grow")
                    button("Back", lambda: self._step(self._form))
                    button("Send command", self._send, prime=True)
            with tag("div", "stack hidden") as self._after:
                self._life = Life()
                with tag("div", "row"):
                    tag("span", "grow")
                    button("Close", self._dialog.close, prime=True)
            ui.timer(TICK_S / 2, self._follow)
        self._dialog.on("hide", self._dialog.delete)

    def open(self) -> None:
        """Show the dialog."""
        self._dialog.open()

    def _step(self, shown: ui.element) -> None:
        for part in (self._form, self._confirm, self._after):
            part.classes(remove="hidden" if part is shown else "", add="" if part is shown else "hidden")

    def _review(self) -> None:
        if self._value.value is None:
            self._error.say("Give a value.")
            return
        self._error.say("")
        self._sentence.say(
            f"Ask {self._device.id} for {QUANTITY_NAMES.get(self._name, self._name).lower()} "
            f"{quantity(self._name, float(self._value.value))}, for {age(float(self._duration.value))}, "
            f"with priority {self._priority.value}?"
        )
        self._step(self._confirm)

    async def _send(self) -> None:
        try:
            record = await asyncio.to_thread(
                self._views.sources.commands.request,
                device=self._device.id,
                quantity=self._name,
                value=float(self._value.value),
                duration_s=float(self._duration.value),
                priority=int(self._priority.value),
                origin="operator",
            )
        except ValueError as error:
            self._error.say(str(error))
            self._step(self._form)
            return
        self._sent = record.command.id
        self._life.say(record)
        self._step(self._after)

    def _follow(self) -> None:
        if self._sent is not None and (record := self._views.sources.commands.record(self._sent)) is not None:
            self._life.say(record)
