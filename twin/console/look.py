"""What one browser window shows: now, or a past moment; every window by itself.

Moments are rebuilt from history on a thread and the latest few are kept for all windows, so that going to and fro, and
several people looking at the same moment, cost one rebuilding.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from twin.console.past import past_sources
from twin.console.views import Views

_KEPT = 6  # each is a whole state: some ten megabytes for a thousand homes


class MomentError(Exception):
    """The moment cannot be shown: why, and what can."""


class Moments:
    """Past moments of one pilot, as views."""

    def __init__(self, live: Views) -> None:
        self.live = live
        self._kept: OrderedDict[datetime, asyncio.Task[Views]] = OrderedDict()

    async def span(self) -> tuple[datetime, datetime]:
        """From the first measurement in history until now. Raises MomentError."""
        now = self.live.sources.clock.now()
        try:
            known = await asyncio.to_thread(self.live.sources.history.span)
        except Exception as error:
            raise MomentError(f"history cannot be read: {error}") from error
        if known is None:
            raise MomentError("history is empty: there is no past to show yet")
        return known[0], now

    async def at(self, moment: datetime) -> Views:
        """The views of `moment`, to the second. Raises MomentError."""
        moment = moment.replace(microsecond=0)
        task = self._kept.get(moment)
        if task is None or (task.done() and task.exception() is not None):
            first, last = await self.span()
            if not first - timedelta(seconds=1) <= moment <= last:
                known = f"{first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"
                raise MomentError(f"history is of {known}, not of {moment:%Y-%m-%d %H:%M:%S}")
            task = self._kept[moment] = asyncio.create_task(asyncio.to_thread(self._rebuilt, moment))
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(moment)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            raise MomentError(f"history cannot be read: {error}") from error

    def _rebuilt(self, moment: datetime) -> Views:
        return Views(past_sources(self.live.sources, moment))


class Look:
    """One window's choice of moment. `views` are those that its pages show."""

    def __init__(self, moments: Moments) -> None:
        self._moments = moments
        self._changed: list[Callable[[], None]] = []
        self._asked = 0
        self.at: datetime | None = None
        self.views = moments.live

    @property
    def moments(self) -> Moments:
        """Where past moments come from."""
        return self._moments

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call `changed` after every change of moment."""
        self._changed.append(changed)

    async def show(self, moment: datetime) -> None:
        """Show the pilot as it was known at `moment`. Raises MomentError; then what was shown stays.

        Of several that are asked for in a row the last one counts.
        """
        self._asked += 1
        asked = self._asked
        views = await self._moments.at(moment)
        if asked == self._asked:
            self._turn(views, views.sources.clock.now())

    def back_to_live(self) -> None:
        """Show what is now."""
        self._asked += 1
        if self.at is not None:
            self._turn(self._moments.live, None)

    def _turn(self, views: Views, at: datetime | None) -> None:
        self.views, self.at = views, at
        for changed in self._changed:
            changed()
