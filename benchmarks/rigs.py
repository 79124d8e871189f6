"""How often rigs without telling names are recognised, in any state; and how sure it says to be.

python benchmarks/rigs.py [FOLDER_OF_RIGS] [--seeds N]

Rigs: our mannequin, rigs as tools export them on the mannequin's joints (tests/wild_rigs.py), and,
where Blender's module is, Rigify's metarig and the files of the folder. Which bone plays which part
is known from their names; then they are disturbed (tests/disturbed_rigs.py) and lose their names.
"""

from __future__ import annotations

import argparse
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lift_to_3d.retarget.character import load_character
from lift_to_3d.retarget.detect import find_mapping
from lift_to_3d.retarget.rig import Rig

from tests.disturbed_rigs import disturbed
from tests.wild_rigs import WILD, wild_rig

LIMBS = ("hips", "upper_arm", "forearm", "hand", "thigh", "shin", "foot")
STEPS = (0.0, 0.4, 0.6, 0.8, 1.0)


def main(folder: Path | None, seeds: int) -> None:
    """Prints, for each rig, of how many states a part differs; then the same by confidence."""
    answers: list[tuple[set[str], float]] = []
    print("rig, states in which any part differs, in which hips or limbs do, of how many")
    for name, rig in _rigs(folder).items():
        randoms = (np.random.default_rng([seed, *name.encode()]) for seed in range(seeds))
        found = [_differing(rig, random) for random in randoms]
        _print(name, found)
        answers += found
    _print("in all", answers)
    print("\nconfidence, states, differing")
    for low, high in pairwise(STEPS):
        here = [bool(parts) for parts, confidence in answers if low <= confidence < high]
        print(f"{low:.1f} to {high:.1f} {len(here):6} {sum(here):6}")


def _print(name: str, answers: list[tuple[set[str], float]]) -> None:
    counts = sum(bool(parts) for parts, _ in answers), sum(_limbs(parts) for parts, _ in answers)
    print(f"{name:28} {counts[0]:4} {counts[1]:4} {len(answers):5}")


def _differing(rig: Rig, random: np.random.Generator) -> tuple[set[str], float]:
    """The parts that are not found where they are, and the confidence; neck and spine not asked."""
    nameless, parts, _ = disturbed(rig, find_mapping(rig), random)
    found = find_mapping(nameless)
    asked = set(parts) - {"spine", "neck"}
    confidence = 0.0 if found.missing else found.confidence
    return {part for part in asked if found.bones.get(part) != parts[part]}, confidence


def _limbs(parts: set[str]) -> bool:
    return any(part.partition(".")[0] in LIMBS for part in parts)


def _rigs(folder: Path | None) -> dict[str, Rig]:
    rigs = {"mannequin": load_character().rig()}
    rigs |= {family: wild_rig(family) for family in WILD}
    try:
        import bpy
    except ImportError:
        return rigs
    from lift_to_3d.blender_addon.character import load_rig
    from lift_to_3d.blender_addon.rig_reader import read_rig

    from tests.test_retarget_rigs import imported

    for path in sorted(folder.iterdir()) if folder else ():
        if path.suffix != ".md":
            bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
            rigs[path.name] = read_rig(imported(path))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    rigs["rigify metarig"] = read_rig(load_rig("rigify"))
    return rigs


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=100)
    chosen = parser.parse_args()
    main(chosen.folder, chosen.seeds)
