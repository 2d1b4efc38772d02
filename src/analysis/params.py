"""The one reader of params/: YAML 1.2 through a model, with every mistake said.

YAML 1.2, so that `NO` is Norway and not a truth value; a key given twice is an error.

Reading YAML in Python takes longer than all else a command does with params/ (0.2 s for
metrics.yaml), so what was read is kept beside the data, as JSON, under a digest of the file's text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from analysis.errors import UserError, nearest, shorten
from analysis.writing import aside

ModelT = TypeVar("ModelT", bound=BaseModel)
#: Raise it when the same text would be read as other values.
READING = 1


class Model(BaseModel):
    """What every file of params/ is read through: no key unknown, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def load_yaml(path: Path, shown: str, kept: Path | None = None) -> object:
    """A YAML 1.2 file as plain values.

    Args:
        path: the file.
        shown: what messages call it.
        kept: where its values are kept until its text changes; a file that is not there or holds
            something else is made again, and one that can't be written is done without.

    Raises:
        UserError: it is missing, is no YAML, has a tab or a doubled key; says the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(shown, "the file is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(shown, f"the file can't be read: {error}") from None
    if kept is None:
        return _parsed(text, shown)
    digest = hashlib.sha256(f"{READING}\n{text}".encode()).hexdigest()
    try:
        found = json.loads(kept.read_text("utf-8"))
        if found["digest"] == digest:
            return found["values"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        pass
    values = _parsed(text, shown)
    _keep(kept, digest, values)
    return values


def _keep(kept: Path, digest: str, values: object) -> None:
    """Keeps what JSON gives back as it was: not dates, nor keys that are no text."""
    try:
        text = json.dumps({"digest": digest, "values": values})
        if json.loads(text)["values"] == values:
            kept.parent.mkdir(parents=True, exist_ok=True)
            with aside(kept) as path:
                path.write_text(text, "utf-8")
    except (OSError, ValueError, TypeError, RecursionError):
        pass


def _parsed(text: str, shown: str) -> object:
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import DuplicateKeyError
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text)
    except DuplicateKeyError as error:
        line, problem = _where(error), (error.problem or "").split(" with value")[0]
        raise UserError(f"{shown}, {line}", f"{problem}; each key may stand once") from None
    except MarkedYAMLError as error:
        line = _where(error)
        if "\t" in _line(text, error):
            raise UserError(f"{shown}, {line}", "a tab; YAML indents with spaces only") from None
        raise UserError(f"{shown}, {line}", f"no YAML: {error.problem}") from None
    except (YAMLError, ValueError) as error:
        raise UserError(shown, f"no YAML: {shorten(error, 120)}") from None
    except RecursionError:
        raise UserError(shown, "no YAML that is ours: it is nested too deep") from None
    except (TypeError, AttributeError, KeyError, IndexError) as error:
        # ruamel.yaml on texts that only a fuzzer writes, such as keys that are lists.
        raise UserError(shown, f"no YAML that can be read ({type(error).__name__})") from None


def line_of(path: Path, keys: Sequence[str], word: str | None = None) -> int | None:
    """The line, from 1, of a value in a YAML file; with a word, the value's first line with it.

    None where the file has no such key.
    """
    from ruamel.yaml import YAML

    text = path.read_text(encoding="utf-8")
    node = YAML(typ="safe", pure=True).compose(text)
    for key in keys:
        found = (value for name, value in getattr(node, "value", ()) if name.value == key)
        node = next(found, None)
        if node is None:
            return None
    first, last = node.start_mark.line, node.end_mark.line + 1
    lines = text.splitlines()[first:last]
    sought = re.compile(rf"\b{re.escape(word)}\b") if word else None
    holds = (at for at, line in enumerate(lines) if sought and sought.search(line))
    return int(first) + 1 + next(holds, 0)


def _where(error: Any) -> str:
    mark = error.problem_mark or error.context_mark
    return f"line {mark.line + 1}" if mark else "somewhere"


def _line(text: str, error: Any) -> str:
    lines = text.splitlines()
    mark = error.problem_mark
    return lines[mark.line] if mark and mark.line < len(lines) else ""


def parse(value: object, model: type[ModelT], shown: str) -> ModelT:
    """Plain values through a model, with every mistake said at once as `file: key: …`."""
    if not isinstance(value, Mapping):
        raise UserError(shown, "empty, or not a mapping of keys to values")
    try:
        return model.model_validate(dict(value))
    except ValidationError as error:
        problems = list(explain(error, model))
        raise UserError(shown, "; ".join(problems)) from None


def explain(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """Each mistake that pydantic found as `key: what was given; what is allowed`."""
    for each in error.errors():
        path = [str(part) for part in each["loc"]]
        key = ".".join(part for part in path if not part.startswith(("literal[", "tuple[")))
        if each["type"] == "extra_forbidden":
            allowed = _fields_at(model, path[:-1])
            close = nearest(path[-1], allowed)
            hint = f"did you mean {close!r}? " if close else ""
            yield f"{key}: no such key; {hint}Allowed: {', '.join(allowed)}"
        elif each["type"] == "missing":
            yield f"{key}: missing"
        else:
            message = each["msg"].removeprefix("Value error, ")
            # A mistake of a whole mapping says itself which of its keys it is about.
            given = (
                "" if isinstance(each["input"], dict) else f"{shorten(repr(each['input']))} given; "
            )
            yield f"{key}: {given}{message}"


def _fields_at(model: type[BaseModel], path: list[str]) -> list[str]:
    """The keys that a model allows at a path; the model's own where the path leaves models."""
    for part in path:
        field = model.model_fields.get(part)
        inner = [t for t in _types(field.annotation) if field] if field else []
        model = next(iter(inner), model)
    return sorted(model.model_fields)


def _types(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [t for part in getattr(annotation, "__args__", ()) for t in _types(part)]
