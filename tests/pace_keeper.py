"""A twin that keeps pace and does nothing else: a world that hears none waits ten seconds for it before it goes on."""

from twin.bus import topics
from twin.bus.codec import decode
from twin.bus.memory import MemoryBroker
from twin.bus.port import Frame
from twin.bus.wire import ClockMessage, Pace
from twin.model.topology import Pilot


def keep_pace(broker: MemoryBroker, pilot: Pilot) -> None:
    """From now on, answer the world's clock at once."""
    follower = broker.client("follower")
    follower.open()

    def answer(frame: Frame) -> None:
        moment = decode(ClockMessage, frame.payload).time
        follower.publish(topics.pace(pilot.name), Pace(time=moment).model_dump_json().encode())

    follower.subscribe(topics.clock(pilot.name), answer)
