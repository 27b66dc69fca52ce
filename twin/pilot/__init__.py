"""The pilot file: everything that can be refused is refused here, by line, before anything runs."""

from twin.pilot.load import load_pilot
from twin.pilot.problem import PilotError, Problem

__all__ = ["PilotError", "Problem", "load_pilot"]
