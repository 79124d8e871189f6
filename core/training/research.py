"""The shell's verbs around training: prepare, ablate; and evaluation on research data sets."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..arguments import above_zero, cores, rate
from ..errors import ModelError, MotionError
from .outputs import json_line, need_folder, number
from .pictures import Shown

if TYPE_CHECKING:
    from ..mixste.model import Model, ModelCard
    from ..motion import Pose
    from ..skeleton import Skeleton
    from ..track import Track
    from .evaluate import Clip
    from .protocols import ProtocolScore
    from .reference import RealAnswer

_PREPARE = """\
Turn a folder of motion capture into a training set.

  lift-to-3d prepare my_capture --out sets --hold-out anna ben
      BVH, FBX, ASF/AMC; writes sets/train.npz.xz and, of Anna and Ben, sets/held_out.npz.xz
  lift-to-3d train default --data sets/train.npz.xz

Files that cannot be used are named with the reason, and left out. The exit status is 0 when a set
was written, whatever was left out, and 2 when none could be.
"""

_ABLATE = """\
Train and measure the rows of one of the paper's tables, at a size for one core.

  lift-to-3d ablate components --data sets/train.npz.xz --test sets/held_out.npz.xz
      also: losses, depth, width, length; goes on where it was when started again
  lift-to-3d ablate losses --data sets/train.npz.xz --test sets/held_out.npz.xz --seeds 3
      every row three times; the table has their mean and spread
"""

_FRAMES_ALIKE = ("3dhp",)
"""The data sets whose published mean is over frames, not over actions."""

Add = Callable[[str, str, Callable[[argparse.Namespace], int]], argparse.ArgumentParser]


def register(add: Add) -> None:
    """Add the verbs; ``add`` makes a subparser of name, text and handler."""
    prepare = add("prepare", _PREPARE, _prepare)
    prepare.add_argument("folder", type=Path, help="motion capture; sub-folders are subjects")
    prepare.add_argument("--out", type=Path, default=Path("sets"), help="folder of the sets")
    prepare.add_argument(
        "--scale",
        type=above_zero,
        metavar="M",
        help="metres of one unit, where files do not say it",
    )
    prepare.add_argument(
        "--fps",
        type=rate,
        default=120.0,
        help="frames a second, where files do not say it, as AMC (default: 120)",
    )
    prepare.add_argument(
        "--hold-out",
        nargs="+",
        action="extend",
        default=[],
        metavar="SUBJECT",
        help="not for training, to measure",
    )
    prepare.add_argument("--source", default="", help="where the capture is from, kept with it")
    prepare.add_argument("--licence", default="", help="what may be done with it, kept with it")

    ablate = add("ablate", _ABLATE, _ablate)
    ablate.add_argument("study", help="components, losses, depth, width or length")
    ablate.add_argument("--data", type=Path, required=True, help="packed capture, or its folder")
    ablate.add_argument("--test", type=Path, required=True, help="packed capture of other people")
    ablate.add_argument("--out", type=Path, default=Path("ablations"), help="folder of the runs")
    ablate.add_argument("--steps", type=int, help="updates of each run")
    ablate.add_argument("--seeds", type=int, default=1, help="how often each row is trained")
    ablate.add_argument("--threads", type=cores, help="cores to use")


def add_dataset_words(evaluate: argparse.ArgumentParser) -> None:
    """The words of ``evaluate`` for research data sets."""
    evaluate.add_argument("--dataset", help="h36m, 3dhp or humaneva, from the files in --data")
    evaluate.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the data set (default: .)"
    )
    evaluate.add_argument(
        "--keypoints", help="whose 2D: cpn_ft_h36m_dbb, gt, detectron_ft_h36m ..."
    )
    evaluate.add_argument(
        "--windows", choices=("published", "overlapped"), help="one way only (default: both)"
    )


def evaluate_dataset(parsed: argparse.Namespace) -> None:
    """Measure a model on a research data set, print it, and draw it.

    Raises:
        ModelError: the model has other joints than the data set.
        MotionError: the data set is not there.
    """
    from tqdm import tqdm

    from ..mixste.backend import open_backend
    from ..mixste.model import find_model
    from .datasets import find_dataset, open_dataset
    from .protocols import WINDOWS, answers, middle_window, score_answers

    model = find_model(parsed.model)
    keypoints = parsed.keypoints or next(iter(find_dataset(parsed.dataset).keypoints))
    sequences = open_dataset(parsed.dataset, parsed.data or Path(), keypoints, "test")
    skeleton = sequences[0].skeleton
    if model.card.joints != len(skeleton.names):
        raise ModelError(
            f"{parsed.model}: has {model.card.joints} joints, "
            f"but {parsed.dataset} with {keypoints} has {len(skeleton.names)}."
        )
    run = open_backend(model, parsed.device)
    frames = sum(len(s.xy) for s in sequences)
    learnt, shown_rate = model.card.rate, sequences[0].fps
    wanted = [parsed.windows] if parsed.windows else WINDOWS
    if "published" in wanted and round(shown_rate / learnt) != 1 and not parsed.json:
        print(
            f"{model.card.name} learnt at {learnt:.0f} frames a second; "
            f"published windows show it {shown_rate:.0f}."
        )
    for flip in (True, False) if parsed.mirror is None else (parsed.mirror,):
        for windows in wanted:
            mirror = f"mirror image {'on' if flip else 'off'}"
            title = f"{parsed.dataset} {keypoints}, {windows} windows, {mirror}"
            found = []
            hidden = True if parsed.json else None  # None: where stderr is not a terminal
            with tqdm(desc=title, total=frames, unit="frame", leave=False, disable=hidden) as bar:
                for answer in answers(sequences, model.card, run, windows, flip):
                    found.append(answer)
                    bar.update(len(answer.sequence.xy))
            alike = "frames" if parsed.dataset in _FRAMES_ALIKE else "actions"
            show_protocol(title, score_answers(found, alike), parsed.json)
            if parsed.figures:
                shown = [
                    Shown(
                        a.sequence.name,
                        a.joints,
                        np.where(a.valid[:, None, None], a.target, np.nan),
                        a.keypoints,
                        a.frames,
                    )
                    for a in found
                ]
                longest = max(sequences, key=lambda s: len(s.xy))
                window = middle_window(longest, model.card, windows)
                _draw(shown, skeleton, model, window, title, parsed)


def draw_clips(
    lifted: list[tuple[Clip, Pose]], model: Model, title: str, parsed: argparse.Namespace
) -> None:
    """Draw what captured takes before virtual cameras were lifted to."""
    from ..skeleton import H36M

    shown = [
        Shown(clip.track.name, pose.joints, clip.truth, *_seen(clip.track)) for clip, pose in lifted
    ]
    longest = max((clip.track for clip, _ in lifted), key=lambda track: track.frames)
    window = _middle_window(longest, model.card)
    _draw(shown, H36M, model, window, title, parsed)


def draw_real(answer: RealAnswer, model: Model, title: str, parsed: argparse.Namespace) -> None:
    """Draw what a real clip was lifted to, and its reference, as P-MPJPE brings them together."""
    from ..skeleton import H36M
    from .evaluate import LIMBS
    from .metrics import similarity

    limbs, seen = list(LIMBS), answer.seen
    joints, target = answer.joints.copy(), np.full(answer.joints.shape, np.nan)
    lifted, truth = joints[seen][:, limbs], answer.truth[seen][:, limbs]
    scale, rotation = similarity(lifted, truth)
    joints[seen] = scale * (joints[seen] - lifted.mean(1, keepdims=True))
    centred = truth - truth.mean(1, keepdims=True)
    target[np.flatnonzero(seen)[:, None], limbs] = centred @ np.swapaxes(rotation, 1, 2)
    keypoints, frames = (rows[: len(seen)] for rows in _seen(answer.track))
    shown = Shown(answer.track.name, joints, target, keypoints, frames)
    window = _middle_window(answer.track, model.card)
    _draw([shown], H36M, model, window, title, parsed, "P-MPJPE")


def _seen(track: Track) -> tuple[np.ndarray, np.ndarray]:
    """(frames, joints, 2) where the network's joints were seen, else NaN; and frame numbers."""
    from ..lift import network_rays

    rays, seen = network_rays(track)
    return np.where(seen[..., None] > 0, rays, np.nan), np.arange(track.frames)


def _middle_window(track: Track, card: ModelCard) -> np.ndarray:
    """(frames, joints, channels) what a model takes in the middle of a track."""
    from ..lift import network_rays
    from ..mixste.picture import INPUTS_OF
    from ..mixste.view import to_view
    from ..mixste.windows import cut_windows

    index = cut_windows(track.frames, track.fps, card.frames, card.rate, card.overlap).index
    middle = index[len(index) // 2 :][:1]
    if card.input != "view":
        return INPUTS_OF[card.input](track)[middle[0]]
    rays, seen = network_rays(track)
    return to_view(rays[middle], seen[middle])[0][0]


def _draw(
    shown: list[Shown],
    skeleton: Skeleton,
    model: Model,
    window: np.ndarray,
    title: str,
    parsed: argparse.Namespace,
    measure: str = "MPJPE",
) -> None:
    """Draw all figures of one test in a folder of its own, and say where.

    Attention only where the weights lie beside the ONNX file.
    """
    from .export import load_weights
    from .pictures import draw_attention, draw_evaluation

    folder = parsed.figures / re.sub(r"\W+", "_", title)
    written = draw_evaluation(shown, skeleton, folder, measure)
    weights = model.onnx.with_suffix(".npz")
    if weights.is_file():
        network = load_weights(weights, int(model.card.network.get("heads", 8)))
        written.append(draw_attention(network, window, skeleton, folder))
    for path in written:
        print(path, file=sys.stderr if parsed.json else sys.stdout)


def show_protocol(title: str, result: ProtocolScore, as_json: bool) -> None:
    """Print the errors by action, or one line of JSON."""
    if as_json:
        print(json_line(title, asdict(result)), flush=True)
        return
    print(f"{title}\n  {'':14} {'P1':>8} {'P2':>8} {'P3':>8} {'MPJVE':>8} {'PCK':>8} {'AUC':>8}")
    other = "frames" if result.alike == "actions" else "actions"
    means = {"mean": result.mean, f"{other} alike": result.other_mean}
    for name, row in {**result.actions, **means}.items():
        values = (row.mpjpe, row.p_mpjpe, row.n_mpjpe, row.mpjve, row.pck, row.auc)
        print(f"  {name:14} " + " ".join(f"{number(value, 2):>8}" for value in values))
    print(
        f"  VAR {result.variance:.2f}, {result.mean.frames} frames; "
        f"in the mean, as it is published, all {result.alike} count alike",
        flush=True,
    )


def _prepare(parsed: argparse.Namespace) -> int:
    from .mocap.prepare import check_split, find_motions, prepare, save_splits, subject_of

    if not parsed.folder.is_dir():
        raise MotionError(f"{parsed.folder}: is not a folder.")
    files = find_motions(parsed.folder)
    check_split({subject_of(path, parsed.folder) for path in files}, parsed.hold_out)
    need_folder(parsed.out)
    takes = []
    for found in prepare(parsed.folder, parsed.scale, parsed.fps):
        print(f"{found.path}: {found.words}" if found.takes else f"left out: {found.words}")
        takes += found.takes
    if not takes:
        raise MotionError(f"{parsed.folder}: nothing in it can be used.")
    about = {k: v for k, v in (("source", parsed.source), ("licence", parsed.licence)) if v}
    for path in save_splits(takes, parsed.hold_out, parsed.out, about):
        print(path)
    return 0


def _ablate(parsed: argparse.Namespace) -> int:
    import torch
    from tqdm import tqdm

    from .ablations import as_table, run_study

    if parsed.threads:
        torch.set_num_threads(parsed.threads)
    with tqdm(unit="step") as bar:

        def report(run: str, done: int, steps: int) -> None:
            if done <= bar.n:  # the next run
                bar.reset(steps)
            bar.set_description_str(f"{parsed.study}: {run}", refresh=False)
            bar.update(done - bar.n)

        results = run_study(
            parsed.study, parsed.data, parsed.test, parsed.out, parsed.steps, parsed.seeds, report
        )
    table = as_table(parsed.study, results)
    (parsed.out / f"{parsed.study}.md").write_text(table + "\n", "utf-8")
    print(table)
    return 0
