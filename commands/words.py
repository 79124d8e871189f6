"""The words that verbs share and how they are written, as ``--size 1920x1080``."""

from __future__ import annotations

import argparse
import math
from dataclasses import fields
from pathlib import Path
from typing import NoReturn

from ..core.arguments import between, degrees, picture_size, rate
from ..core.cores import cores
from ..core.mixste.backend import DEVICES
from ..core.pipeline import Options
from ..retarget.options import FEET, HANDS, TRAVEL, Retargeting
from . import formats


class Parser(argparse.ArgumentParser):
    """Says in a sentence what is wrong with the words, without a page of usage before it."""

    def error(self, message: str) -> NoReturn:
        """Say it and leave with argparse's status."""
        self.exit(2, f"{self.prog}: {message.removeprefix('argument ')}; see {self.prog} --help\n")


def add_clip_words(parser: argparse.ArgumentParser) -> None:
    """What may be known about a clip: `--fps --size --fov --camera-up --video --person` ...."""
    group = parser.add_argument_group("about the clip, where its file does not say")
    group.add_argument("--fps", type=rate, metavar="N", help="frames a second, else 30")
    group.add_argument(
        "--size", type=picture_size, metavar="WxH", help="picture size, as 1920x1080; else guessed"
    )
    group.add_argument(
        "--fov",
        type=degrees,
        metavar="DEG",
        help="the camera's horizontal field of view; else 60 along the longer side",
    )
    group.add_argument(
        "--camera-up",
        type=_direction,
        metavar="UP",
        help="level, or which way is up, as X,Y,Z to the right, down and forward of the camera: "
        "0,-1,-0.3 looks down a little; else found out",
    )
    group.add_argument(
        "--video", type=Path, metavar="FILE", help="the clip's film, for its rate and size"
    )
    group.add_argument(
        "--person",
        type=_person,
        default="all",
        metavar="WHO",
        help="all, largest, longest, or a number as inspect gives it for the same --frames "
        "(default: all)",
    )
    group.add_argument(
        "--frames", type=_frames, metavar="A:B", help="from frame A up to, not including, B"
    )


def add_lift_words(parser: argparse.ArgumentParser) -> None:
    """How to lift: `--model --device --mirror --height --smoothing --raw`."""
    group = parser.add_argument_group("lifting")
    group.add_argument(
        "--model",
        default="default",
        help="default, fast, or an .onnx file with its card beside it (default: default)",
    )
    group.add_argument(
        "--device",
        choices=DEVICES,
        default="auto",
        help="auto takes a graphics card where there is one (default: auto)",
    )
    group.add_argument(
        "--mirror",
        action=argparse.BooleanOptionalAction,
        help="lift the mirror image, too, and take the mean: twice the work, a little more exact "
        "(default: as the model's card says; default does, fast does not)",
    )
    group.add_argument(
        "--height",
        type=_meters,
        default=1.70,
        metavar="M",
        help="the person's height in metres, which sets all distances (default: 1.70)",
    )
    group.add_argument(
        "--smoothing",
        choices=("off", "light", "strong"),
        default="light",
        help="strong against jitter, off for sharp moves (default: light)",
    )
    group.add_argument("--raw", action="store_true", help="do not clean the 2D track first")


def add_rig_words(parser: argparse.ArgumentParser) -> None:
    """Whom to move, how, and what to write: `--rig --mapping --to --feet --in-place` and more."""
    group = parser.add_argument_group("character")
    group.add_argument(
        "--rig",
        default="mannequin",
        help="mannequin, mixamo (the same with Mixamo's names), rigify (its human metarig), or a "
        ".blend, .fbx, .glb, .vrm or .bvh file that holds the character (default: mannequin)",
    )
    group.add_argument(
        "--mapping",
        type=Path,
        metavar="FILE",
        help="which bone is which, where that is not recognised; inspect RIG --save-mapping FILE "
        "writes what is",
    )
    group.add_argument(
        "--to",
        nargs="+",
        type=_names,
        metavar="FORMAT",
        help=f"one or more of {', '.join(formats.all_formats())} (default: fbx)",
    )
    group.add_argument(
        "--feet",
        choices=FEET,
        default="auto",
        help="hold standing feet still: as seen, also where it is doubtful, or not (default: auto)",
    )
    group.add_argument(
        "--hands", choices=HANDS, default="never", help="hold resting hands still (default: never)"
    )
    group.add_argument("--in-place", action="store_true", help="keep the character on the spot")
    group.add_argument(
        "--travel",
        choices=TRAVEL,
        default="hips",
        help="the bone that goes over the floor: hips, or root as game engines want it, where "
        "the rig has one (default: hips)",
    )
    group.add_argument(
        "--facing", type=_turn, default=0.0, metavar="DEG", help="turn the start to the left"
    )
    group.add_argument(
        "--start", type=_place, default=(0.0, 0.0), metavar="X,Y", help="start there, metres"
    )


def add_run_words(parser: argparse.ArgumentParser) -> None:
    """How to go through many inputs: `--jobs --resume --scheduler --settings --json`."""
    group = parser.add_argument_group("many inputs")
    group.add_argument(
        "--jobs",
        type=_count,
        default=cores(),
        metavar="N",
        help="inputs at the same time, each in a process with one thread, or as many as "
        "OMP_NUM_THREADS says (default: one for each core)",
    )
    group.add_argument(
        "--resume",
        action="store_true",
        help="skip inputs whose files were already made from the same input and settings",
    )
    group.add_argument(
        "--scheduler", metavar="tcp://HOST:PORT", help="a Dask cluster that sees the same files"
    )
    group.add_argument(
        "--settings", type=Path, metavar="FILE", help="take these words from a TOML or JSON file"
    )
    group.add_argument("--json", action="store_true", help="print a line of JSON for each input")


def clip_options(words: argparse.Namespace) -> Options:
    """The parsed words as the pipeline's options."""
    known = {field.name for field in fields(Options)}
    return Options(**{name: value for name, value in vars(words).items() if name in known})


def retargeting(words: argparse.Namespace) -> Retargeting:
    """The parsed words about the character's motion; defaults where the verb has none."""
    known = {field.name for field in fields(Retargeting)}
    return Retargeting(**{name: value for name, value in vars(words).items() if name in known})


def wanted_formats(words: argparse.Namespace) -> list[str]:
    """The formats after `--to`, each once.

    Raises:
        LiftError: one of them is none.
    """
    names = [name for group in words.to or [["fbx"]] for name in group]
    unique = list(dict.fromkeys(names))
    formats.check(unique)
    return unique


_meters = between(0.1, 100, "height in metres")
_turn = between(-360, 360, "angle in degrees")
_count = between(1, 1024, "number", int)


def _names(text: str) -> list[str]:
    return [name for name in text.lower().split(",") if name]


def _person(text: str) -> str | int:
    if text in ("all", "largest", "longest"):
        return text
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' is not all, largest, longest or a number")


def _place(text: str) -> tuple[float, float]:
    try:
        x, y = (float(number) for number in text.split(","))
    except ValueError:
        x = y = math.inf
    if not max(abs(x), abs(y)) <= 1e6:
        raise argparse.ArgumentTypeError(f"'{text}' is not a place such as 1.5,-2")
    return x, y


def _direction(text: str) -> tuple[float, float, float]:
    if text == "level":
        return 0.0, -1.0, 0.0
    try:
        x, y, z = (float(number) for number in text.split(","))
    except ValueError:
        x = y = z = math.nan
    if not 0 < math.hypot(x, y, z) < math.inf:
        raise argparse.ArgumentTypeError(
            f"'{text}' is neither level nor a direction such as 0,-1,-0.3"
        )
    return x, y, z


def _frames(text: str) -> tuple[int, int | None]:
    first, colon, end = text.partition(":")
    if colon and all(part == "" or part.isdecimal() for part in (first, end)):
        start, stop = int(first or 0), int(end) if end else None
        if stop is None or start < stop:
            return start, stop
    raise argparse.ArgumentTypeError(f"'{text}' is not a range of frames such as 0:300 or 50:")
