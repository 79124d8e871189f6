"""``inspect`` of a character: which of its bones plays which part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..core.cores import on_few_cores
from ..core.errors import RigError, how_to_install
from ..retarget.character import CHARACTERS, RIG_SUFFIXES
from ..retarget.detect import find_mapping
from ..retarget.mapping import PARTS, Mapping, in_words, save_mapping
from ..retarget.presets import presets

_BY = {
    "structure": "none that are known, told by the shape",
    "words": "of no tool that is known, told by their words",
}
_GUESS = ", a guess: look at the list"


@dataclass(frozen=True)
class RigInspection:
    """What was recognised of a rig.

    Attributes:
        input: the path or name that was given.
        rig: the armature's name.
        bones: how many it has.
        mapping: which of them are which.
    """

    input: str
    rig: str
    bones: int
    mapping: Mapping

    def as_dict(self) -> dict[str, object]:
        """The fields of ``inspect --json``."""
        return {
            "input": self.input, "rig": self.rig, "bones": self.bones,
            "preset": self.mapping.preset, "confidence": self.mapping.confidence,
            "missing": list(self.mapping.missing), "against": self.mapping.against,
            "mapping": {part: list(names) for part, names in self.mapping.bones.items()},
        }  # fmt: skip

    def table(self) -> str:
        """The same for people, a line for each part."""
        titles = {preset.name: preset.title for preset in presets()}
        guess = _GUESS if self.mapping.guessed else ""
        title = "none that are known"
        if self.mapping.confidence > 0:
            title = titles.get(self.mapping.preset) or _BY.get(self.mapping.preset, "your own")
        lines = [
            self.input,
            f"  rig              {self.rig}, {self.bones} bones",
            f"  names            {title}",
            f"  confidence       {self.mapping.confidence:.0%}{guess}",
        ]
        if self.mapping.against:
            lines.append(f"  NO PERSON        it {self.mapping.against}")
        for part in PARTS:
            if names := self.mapping.bones.get(part):
                lines.append(f"  {in_words(part):16} {', '.join(names)}")
        lines += [f"  {in_words(part):16} MISSING" for part in self.mapping.missing]
        return "\n".join(lines)


def is_rig(path: Path) -> bool:
    """Whether a path is a character's name, or a file that characters come in."""
    named = not path.exists() and str(path).lower() in CHARACTERS
    return named or path.suffix.lower() in RIG_SUFFIXES


def inspect_rig(path: Path, save_to: Path | None = None) -> RigInspection:
    """Which bones a character has; the open scene is replaced by an empty one.

    Args:
        path: a character's name or file.
        save_to: where to write the mapping.

    Raises:
        RigError: Blender is not there, the character cannot be read or the mapping not be written.
    """
    need_blender("read a character")
    from ..blender_addon.convert import rig_of

    rig = rig_of(path)
    mapping = find_mapping(rig)
    if save_to is not None:
        try:
            save_mapping(mapping, save_to)
        except OSError as error:
            raise RigError(f"Cannot write the mapping {save_to}: {error.strerror}.") from error
    return RigInspection(str(path), rig.name, len(rig.bones), mapping)


def need_blender(purpose: str) -> None:
    """Raises RigError, saying how to have it, where Blender's module cannot be imported."""
    try:
        with on_few_cores():  # as `blender --threads`, which the module has no word for
            import bpy  # noqa: F401
    except ImportError as error:
        raise RigError(
            f"To {purpose}, Blender's module bpy must be installed: {how_to_install('blender')} "
            "(Python 3.11 or 3.13), or run inside Blender with "
            "blender -b -P blender_addon/batch.py -- convert ..."
        ) from error
