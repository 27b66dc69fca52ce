"""What is wrong with a pilot file, and where."""

from dataclasses import dataclass

Place = tuple[str | int, ...]  # the way from the top of the file: ("homes", 3, "devices", 0, "power_w")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One refused value: its line (1 is the first), its place in the file, and what would be allowed."""

    line: int
    place: str
    text: str


class PilotError(ValueError):
    """The pilot file is refused; `problems` holds every reason found, in file order."""

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        self.file = file
        self.problems = problems
        super().__init__(
            "\n".join(
                f"{file}:{p.line}: {p.place}: {p.text}" if p.place else f"{file}:{p.line}: {p.text}" for p in problems
            )
        )


def dotted(place: Place) -> str:
    """A place as people write it: homes[3].devices[0].power_w."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
