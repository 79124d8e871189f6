"""The shell's `lift-to-3d`: words in, exit status out. What the verbs do is in `commands`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from . import __version__
from .commands import report, running, words
from .commands.formats import FILM, MOTION, SHEET
from .commands.inputs import find_clips
from .commands.settings import with_settings
from .core.errors import Cancelled, LiftError

DONE, SOME_FAILED, WRONG_USAGE = 0, 1, 2

_ABOUT = """\
2D keypoints in, animated characters out.

  lift-to-3d inspect dance.json                      what is in the file, and what is missing
  lift-to-3d preview dance.json                      see the motion before there is a character
  lift-to-3d convert dance.json --to fbx --out out   a moving character: out/dance.fbx

Any tool's keypoints do: OpenPose, MediaPipe, YOLO, AlphaPose, COCO and more; the format is found
out. No keypoints at hand? Take samples/street_mediapipe.json of the repository.
`lift-to-3d VERB --help` explains a verb with examples.
"""

_CONVERT = """\
Lift clips to 3D, move a character, write its files.

  lift-to-3d convert dance.json --to fbx --out out
      the mannequin dances in out/dance.fbx; a second person is out/dance.person2.fbx
  lift-to-3d convert openpose_folder --fps 25 --size 1920x1080 --rig hero.fbx --to fbx bvh
      your own character; OpenPose does not say how fast and how large the film was, so you do
  lift-to-3d convert dance.json --person 1 --frames 60:240 --to fbx-unreal --travel root
      one person, a part of the clip, for Unreal with the way on the root bone
  lift-to-3d convert clips/ --settings night.toml --resume --out out
      a folder of clips, on all cores, going on where the last run stopped
"""

_LIFT = """\
Lift clips to 3D joints: metres, Z up, floor at zero.

  lift-to-3d lift dance.json --out dance.npz
      read it with numpy.load("dance.npz"): joints (frames, 17, 3), confidence, contacts, fps ...
  lift-to-3d lift clips/ --out motions
      every clip of a folder
"""

_RETARGET = """\
Move a character with motion files, without lifting again.

  lift-to-3d retarget dance.npz --rig mixamo --to fbx --out out
  lift-to-3d retarget dance.npz --rig hero.fbx --mapping hero.json --feet always --to fbx-unity
      dance.npz is what lift wrote, hero.json what inspect hero.fbx --save-mapping wrote
"""

_PREVIEW = """\
Draw the lifted motion, as filmed and from one side, beside the 2D keypoints.

  lift-to-3d preview dance.json                      a film, dance.preview.mp4
  lift-to-3d preview dance.json --out dance.png      six moments
  lift-to-3d preview dance.npz --out dance.png       six moments of a motion file
"""

_INSPECT = """\
Say what is in a keypoint file or a character.

  lift-to-3d inspect dance.json
      format, people, frames, rate, picture size, and what is missing
  lift-to-3d inspect clips/ --json
      the same of every clip, a line each, for another program
  lift-to-3d inspect hero.fbx --save-mapping hero.json
      which bone is which; edit the file and give it to convert --mapping
"""

_BENCHMARK = """\
Time every stage from a keypoint file to FBX and BVH on this machine.

  lift-to-3d benchmark dance.json
      the clip's first person, played to and fro for a minute
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the words after the program's name; those of this process where not given.

    Returns:
        0 when all is done, 1 when some inputs failed, 2 for wrong usage.
    """
    report.make_printable()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["worker"]:  # for `commands.pool` alone, so it is no verb
        return _worker()
    parser = make_parser()
    try:
        settled = with_settings(arguments[1:])
        parsed, unknown = parser.parse_known_args([*arguments[:1], *settled])
        if unknown:
            where = "" if unknown[0] in arguments else " (in the settings file)"
            verb = arguments[0]
            see = f"{parser.prog} {verb} --help lists what it knows"
            raise LiftError(f"{verb} knows no {unknown[0]}{where}; {see}.")
        return parsed.handler(parsed)
    except SystemExit as stop:  # argparse has said why
        return stop.code if isinstance(stop.code, int) else WRONG_USAGE
    except LiftError as error:
        report.complain(f"{parser.prog}: {error}")
        return WRONG_USAGE
    except (KeyboardInterrupt, Cancelled):
        report.complain("stopped; what is there is whole")
        return SOME_FAILED
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return SOME_FAILED


def make_parser() -> argparse.ArgumentParser:
    """The parser of all verbs; each sets ``handler``, a function of the parsed words."""
    parser = words.Parser(
        "lift-to-3d", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"lift-to-3d {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    def add(
        name: str, about: str, handler: Callable[[argparse.Namespace], int], given: str = _INPUT
    ) -> argparse.ArgumentParser:
        verb = verbs.add_parser(
            name,
            help=about.partition("\n")[0],
            description=about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.set_defaults(handler=handler)
        verb.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help=given)
        return verb

    convert = add("convert", _CONVERT, _convert)
    words.add_rig_words(convert)
    lift = add("lift", _LIFT, _lift)
    retarget = add("retarget", _RETARGET, _convert, _MOTIONS)
    words.add_rig_words(retarget)
    preview = add("preview", _PREVIEW, _preview)
    inspect = add("inspect", _INSPECT, _inspect)
    for verb in (convert, lift, preview, inspect):
        words.add_clip_words(verb)
    for verb in (convert, lift, preview):
        words.add_lift_words(verb)
    for verb, out in ((convert, "out"), (lift, "."), (retarget, "out"), (preview, ".")):
        verb.add_argument("--out", type=Path, default=Path(out), help=f"{_OUT} (default: {out})")
        words.add_run_words(verb)
    inspect.add_argument("--timeline", type=Path, metavar="FILE", help="draw who is seen when")
    inspect.add_argument(
        "--save-mapping", type=Path, metavar="FILE", help="write a character's bones, to be edited"
    )
    inspect.add_argument("--json", action="store_true", help="one line of JSON for each input")
    timing = verbs.add_parser(
        "benchmark",
        help="Time every stage on this machine.",
        description=_BENCHMARK,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    timing.set_defaults(handler=_benchmark)
    timing.add_argument("input", type=Path, metavar="INPUT", help="a keypoint file")
    timing.add_argument(
        "--repeat", type=int, default=1800, metavar="N", help="frames to time (default: 1800)"
    )
    timing.add_argument("--json", action="store_true", help="one line of JSON")
    words.add_lift_words(timing)
    _add_training(verbs)
    return parser


_INPUT = "a keypoint file, a folder that is one clip, or a folder of clips"
_MOTIONS = "a motion file (.npz) that lift wrote, or a folder of them"
_OUT = "folder of the results, or the one file to write"


def _add_training(verbs: argparse._SubParsersAction) -> None:
    try:
        from .core.training.commands import register
    except ModuleNotFoundError:  # the add-on comes without it
        return
    register(verbs)


def _convert(parsed: argparse.Namespace) -> int:
    return _run(parsed, words.wanted_formats(parsed))


def _lift(parsed: argparse.Namespace) -> int:
    return _run(parsed, [MOTION])


def _preview(parsed: argparse.Namespace) -> int:
    sheet = parsed.out.suffix.lower() == f".{SHEET}"
    return _run(parsed, [SHEET if sheet else FILM])


def _benchmark(parsed: argparse.Namespace) -> int:
    from .commands import benchmark

    stages = benchmark.measure(parsed.input, parsed.repeat, words.clip_options(parsed))
    print((benchmark.as_json if parsed.json else benchmark.as_text)(stages, parsed.repeat))
    return DONE


def _worker() -> int:
    from .commands import protocol

    protocol.serve()
    return DONE


def _inspect(parsed: argparse.Namespace) -> int:
    from .commands import inspecting, rigs

    options, status = words.clip_options(parsed), DONE
    for clip in find_clips(parsed.inputs):
        try:
            if rigs.is_rig(clip.path):
                found = rigs.inspect_rig(clip.path, parsed.save_mapping)
            else:
                found = inspecting.inspect_any(clip.path, options)
                if parsed.timeline:
                    inspecting.write_timeline(found, parsed.timeline)
        except LiftError as error:
            report.complain(f"failed: {error}")
            status = SOME_FAILED
        else:
            print(json.dumps(found.as_dict()) if parsed.json else found.table())
    return status


def _run(parsed: argparse.Namespace, formats: list[str]) -> int:
    results = running.run_all(parsed, formats)
    return SOME_FAILED if any(result.status == "failed" for result in results) else DONE


def program() -> None:
    """The installed command: `main`, and the end of the process."""
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    if "bpy" in sys.modules:
        os._exit(status)  # some Blenders hang or crash in the interpreter's own way out
    sys.exit(status)


if __name__ == "__main__":
    program()
