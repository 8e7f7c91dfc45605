"""YAML text → plain data: text, numbers, true and false, lists and mappings, nothing else.

Guarantees: a key that stands twice is found, with its path and line. Only `true` and `false` are booleans and a date stays text, so
that Norway (`NO`) and the 31st of June reach the checks that name them. Refuses tags, several documents, endless nesting.
"""

from __future__ import annotations

import re

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


class _PlainLoader(yaml.SafeLoader):
    """SafeLoader without YAML 1.1's guesses: no dates, no `yes`, no base-60 numbers."""


_PlainLoader.yaml_implicit_resolvers = {}


_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false|True|False|TRUE|FALSE)\Z"), list("tfTF"))
_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0|[1-9][0-9_]{0,17})\Z"), list("-+0123456789"))
_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{0,18}\Z"), list("-+0123456789"))
_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""])
_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<\Z"), ["<"])


def parse(text: str) -> tuple[object, tuple[str, ...]]:
    """Return the data and the problems. Broken syntax gives `None` and one problem with line and column."""
    try:
        return _data(_PlainLoader(text))
    except yaml.MarkedYAMLError as error:
        return None, (_syntax(error),)
    except yaml.reader.ReaderError as error:
        return None, (f"character {error.position} is not allowed in YAML ({error.reason}); take it out",)
    except RecursionError:
        return None, ("nested too deeply; blocks within blocks a few levels deep are all that is needed",)


def _data(loader: _PlainLoader) -> tuple[object, tuple[str, ...]]:
    try:
        node = loader.get_single_node()
        if node is None:
            return None, ("the file is empty; config/example.yaml shows what belongs in it",)
        problems = tuple(_twice(node, "", set()))
        return loader.construct_document(node), problems
    finally:
        loader.dispose()


def _syntax(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    context = f" {error.context}" if error.context else ""
    return f"{where}no YAML:{context} {error.problem or ''}; mend this line first, the rest can't be read before".replace("  ", " ")


def _twice(node: Node, path: str, seen: set[int]) -> list[str]:
    if id(node) in seen:  # an alias; looked at where it was anchored
        return []
    seen.add(id(node))
    found: list[str] = []
    if isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            found += _twice(item, f"{path}{index}.", seen)
    elif isinstance(node, MappingNode):
        lines: dict[str, int] = {}
        for name, value in node.value:
            text = name.value if isinstance(name, ScalarNode) else "?"  # a list as a name: refused when it is constructed
            line = name.start_mark.line + 1
            if text in lines:
                found.append(f"{path}{text}: stands twice, in lines {lines[text]} and {line}; one of them")
            lines.setdefault(text, line)
            found += _twice(value, f"{path}{text}.", seen)
    return found
