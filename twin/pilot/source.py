"""YAML with line numbers, in which a key written twice is an error rather than a silent override.

Refuses: broken YAML, duplicate keys, anything but mappings, sequences and plain scalars.
"""

from pathlib import Path

import yaml

from twin.pilot.problem import PilotError, Place, Problem, dotted


class Source:
    """The content of a pilot file and the line of each of its values."""

    def __init__(self, path: Path) -> None:
        self.file = str(path)
        self.problems: list[Problem] = []
        self._lines: dict[Place, int] = {(): 1}
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PilotError(self.file, (Problem(line=1, place="", text=f"cannot be read: {error}"),)) from error
        self.content = self._parse(text)

    def line(self, place: Place) -> int:
        """The line of `place`, or of the nearest thing around it that is in the file."""
        while place not in self._lines:
            place = place[:-1]
        return self._lines[place]

    def problem(self, place: Place, text: str) -> None:
        """Note that what stands at `place` is refused."""
        self.problems.append(Problem(line=self.line(place), place=dotted(place), text=text))

    def refuse_if_any(self) -> None:
        """Raise PilotError when anything has been refused so far."""
        if self.problems:
            raise PilotError(self.file, tuple(sorted(self.problems, key=lambda problem: problem.line)))

    def _parse(self, text: str) -> object:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            content = self._value(loader, node, ()) if node is not None else None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            raise PilotError(self.file, (Problem(line=line, place="", text=f"not YAML: {error.problem}"),)) from error
        finally:
            loader.dispose()
        self.refuse_if_any()
        return content

    def _value(self, loader: yaml.SafeLoader, node: yaml.Node, place: Place) -> object:
        self._lines[place] = node.start_mark.line + 1
        if isinstance(node, yaml.SequenceNode):
            return [self._value(loader, item, (*place, index)) for index, item in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            return loader.construct_object(node)
        mapping: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            inner = (*place, key)
            line = key_node.start_mark.line + 1
            if key in mapping:
                text = f"key {key!r} stands twice, first on line {self._lines[inner]}; a key may stand once"
                self.problems.append(Problem(line=line, place=dotted(inner), text=text))
                continue
            mapping[key] = self._value(loader, value_node, inner)
            self._lines[inner] = line
        return mapping
