"""``--settings FILE``: the words of a command from a TOML or JSON file."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from ..core.errors import LiftError


def with_settings(arguments: list[str]) -> list[str]:
    """A verb's arguments with those of its settings file put before them.

    What is said on the command line comes later and so has the last word. Every key of the file is
    a long option without its dashes; lists are joined by commas, ``true`` is the bare option.

    Raises:
        LiftError: the file cannot be read or does not hold a flat table.
    """
    path = _find(arguments)
    if path is None:
        return arguments
    words: list[str] = []
    for key, value in _load(path).items():
        option = "--" + key.replace("_", "-")
        if value is True:
            words.append(option)
        elif isinstance(value, list):
            words.append(f"{option}={','.join(str(v) for v in value)}")
        elif isinstance(value, str | int | float) and value is not False:
            words.append(f"{option}={value}")
        elif value is not False:
            raise LiftError(f"{path}: '{key}' must be a text, a number, true, false or a list.")
    return words + arguments


def _find(arguments: list[str]) -> Path | None:
    for i, word in enumerate(arguments):
        if word.startswith("--settings="):
            return Path(word.partition("=")[2])
        if word == "--settings" and i + 1 < len(arguments):
            return Path(arguments[i + 1])
    return None


def _load(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
        table = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise LiftError(f"Cannot read the settings {path}: {error.strerror}.") from error
    except ValueError as error:
        raise LiftError(f"{path} is not a valid settings file: {error}.") from error
    if not isinstance(table, dict):
        raise LiftError(f"{path}: settings are a table of words and values.")
    return table
