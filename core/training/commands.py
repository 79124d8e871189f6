"""The shell's verbs for models: train, evaluate, export-onnx, import-checkpoint.

torch is imported when a verb runs, not before.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arguments import above_zero, cores, degrees, picture_size, rate
from ..errors import LiftError, ModelError, MotionError, how_to_install
from . import research
from .outputs import json_line, need_folder, number

if TYPE_CHECKING:
    from ..mixste.model import Model
    from .loop import Training
    from .recipe import Recipe

_TRAIN = """\
Train a model on motion capture, through virtual cameras, or on a research data set.

  lift-to-3d train default --data CAPTURE_FOLDER --out checkpoints
      goes on where it was when started again; writes the model when it is done
  lift-to-3d train paper --dataset humaneva --data FOLDER
      the paper's system on a research data set: h36m, 3dhp or humaneva
  lift-to-3d train best --data CAPTURE_FOLDER --device cuda --minutes 9 --pieces travel
      a slice of nine minutes on a machine that is lent: goes on from the files in travel, none
      larger than 15 MB, and leaves the run there
"""

_EVALUATE = """\
Measure a model on people and cameras that it never saw.

  lift-to-3d evaluate --capture val.npz.xz test_public.npz.xz
  lift-to-3d evaluate --real reference.trc camera1_json --fps 60 --size 1088x1920
  lift-to-3d evaluate --dataset h36m --data FOLDER --keypoints gt --model model.onnx
      the paper's protocols; published windows and ours, with the mirror image and without
  lift-to-3d evaluate --capture val.npz.xz --figures figures
      the paper's figures 3 to 6 of each test, in figures/val_clean and figures/val_noisy

Errors are in mm, mpjve in mm a frame; jitter is the mean acceleration over the truth's, wrong_limbs
the share of frames in which a limb points more than 90 degrees from the truth, rank the correlation
of confidence with the error; frozen_worse are the clips on which holding the first frame's true
pose would have been better; joints are the errors of single joints.
"""

_EXPORT = """\
Write the model of a training run, finished or not: ONNX, weights as npz, and a card.

  lift-to-3d export-onnx checkpoints/default --out models
"""

_IMPORT = """\
Turn a published MixSTE checkpoint into a model that --model takes.

  lift-to-3d import-checkpoint best_epoch.bin --out models
      reads the tensors without running anything in the file
Networks of 15 and 16 joints can be measured (evaluate --dataset); characters are moved by 17.
The weights' licence is between you and whoever gave you the file.
"""

_HUMAN36M_RATE, _HUMANEVA_RATE = 50.0, 60.0
_WORDS_OF = {"dataset": ("data", "keypoints", "windows"), "real": ("fps", "size", "fov")}
"""What of `evaluate` says something of one kind of test alone."""
_MODELS = "folder of the model (default: models)"


def register(verbs: Any) -> None:
    """Add the verbs to the parser's subparsers; each sets ``handler``."""

    def add(name: str, about: str, handler: Any) -> argparse.ArgumentParser:
        verb = verbs.add_parser(
            name,
            help=about.partition("\n")[0],
            description=about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.set_defaults(handler=handler)
        return verb

    train = add("train", _TRAIN, _train)
    train.add_argument(
        "recipe", metavar="RECIPE", help="default, fast, paper, reference ..., or a .toml file"
    )
    train.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="PATH",
        help="folder of the packed capture or the data set, or one packed file",
    )
    train.add_argument("--dataset", default="", help="h36m, 3dhp or humaneva (default: as RECIPE)")
    train.add_argument(
        "--keypoints", default="", help="whose 2D: cpn_ft_h36m_dbb, gt ... (default: as RECIPE)"
    )
    train.add_argument(
        "--frames", type=int, metavar="N", help="of a window, T in the paper (default: as RECIPE)"
    )
    train.add_argument(
        "--out",
        type=Path,
        default=Path("checkpoints"),
        metavar="DIR",
        help="folder of all runs (default: checkpoints)",
    )
    train.add_argument(
        "--minutes", type=above_zero, metavar="N", help="stop after so long; start again to go on"
    )
    train.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    train.add_argument("--threads", type=cores, metavar="N", help="cores to use on the CPU")
    train.add_argument(
        "--pieces",
        type=Path,
        metavar="DIR",
        help="take the run up from this folder, leave it there",
    )

    evaluate = add("evaluate", _EVALUATE, _evaluate)
    evaluate.add_argument(
        "--capture",
        type=Path,
        nargs="*",
        default=[],
        metavar="FILE",
        help="packed capture, as prepare makes it, of people that the model never saw",
    )
    evaluate.add_argument(
        "--real", type=Path, nargs=2, metavar=("TRC", "INPUT"), help="a reference, one camera's 2D"
    )
    evaluate.add_argument("--fps", type=rate, metavar="N", help="of the keypoints of --real")
    evaluate.add_argument(
        "--size", type=picture_size, metavar="WxH", help="of the picture of --real, as 1920x1080"
    )
    evaluate.add_argument(
        "--fov", type=degrees, metavar="DEG", help="of the camera of --real, horizontally"
    )
    research.add_dataset_words(evaluate)
    evaluate.add_argument(
        "--figures",
        type=Path,
        metavar="DIR",
        help="draw the paper's figures, a folder for each test",
    )
    evaluate.add_argument(
        "--model", default="default", help="a shipped model's name, or an .onnx file"
    )
    evaluate.add_argument("--device", default="auto", help="auto, cpu, cuda ... (default: auto)")
    evaluate.add_argument(
        "--mirror",
        action=argparse.BooleanOptionalAction,
        help="with the mirror image or without (default: as the model's card says)",
    )
    evaluate.add_argument(
        "--into-card",
        action="store_true",
        help="write the figures into the card beside the .onnx file that --model names, and scale "
        "confidence by the first capture; shipped cards are made so, too, but not by mere name",
    )
    evaluate.add_argument("--json", action="store_true", help="one line of JSON for each test")

    export = add("export-onnx", _EXPORT, _export)
    export.add_argument("run", type=Path, metavar="RUN", help="folder of a training run")
    export.add_argument("--out", type=Path, default=Path("models"), metavar="DIR", help=_MODELS)
    export.add_argument("--name", help="the model's name (default: the run's)")

    bring = add("import-checkpoint", _IMPORT, _import)
    bring.add_argument("file", type=Path, help="best_epoch.bin, or a bare state dict .pth")
    bring.add_argument("--out", type=Path, default=Path("models"), metavar="DIR", help=_MODELS)
    bring.add_argument("--heads", type=int, default=8, help="attention heads (default: 8)")
    bring.add_argument(
        "--rate", type=rate, help="frames a second it learnt at (default: 50; 60 for 15 joints)"
    )
    bring.add_argument(
        "--coco", action="store_true", help="it takes COCO's keypoints in their order"
    )
    bring.add_argument("--name", help="the model's name (default: the file's)")
    research.register(add)


def _train(parsed: argparse.Namespace) -> int:
    _need_torch()
    import torch

    from .pieces import leave, take_up

    if parsed.threads:
        torch.set_num_threads(parsed.threads)
    if parsed.pieces:
        need_folder(parsed.pieces)
        need_folder(parsed.out)
        take_up(parsed.pieces, parsed.out)
    training = _training(parsed)
    run, steps, stopped = training.out, training.recipe.steps, False
    if training.finished:
        print(f"{run} has all its {steps} updates.")
    else:
        try:
            _run(training, parsed.minutes and parsed.minutes * 60)
        except KeyboardInterrupt:
            stopped = True
    pieces = f", and in pieces in {parsed.pieces}" if parsed.pieces and training.saved else ""
    if pieces:
        leave(run, parsed.pieces)
    if training.finished:
        print(_export_run(run, run, run.name))
    elif training.saved:
        print(
            f"{training.saved} of {steps} updates are kept in {run}{pieces}; "
            "the same command goes on."
        )
    return int(stopped)


def _training(parsed: argparse.Namespace) -> Training:
    """The run that is asked for, taken up where it was."""
    from .loop import Training
    from .recipe import read_recipe

    recipe = read_recipe(parsed.recipe, parsed.dataset, parsed.keypoints, parsed.frames)
    frames = f"T{parsed.frames}" if parsed.frames else ""
    run = "-".join(filter(None, (recipe.name, parsed.dataset, parsed.keypoints, frames)))
    data = parsed.data
    if not data.exists():
        raise MotionError(f"{data}: no such file or folder.")
    if data.is_file():
        if not recipe.dataset:
            recipe = replace(recipe, data={data.name: 1.0}, sources=(), licence="")
        data = data.parent
    return Training(_with_sources(recipe, data), data, parsed.out / run, parsed.device)


def _with_sources(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with source and licence as its capture files say, where one does or it does not.

    The files' licence counts only where all of them name one.
    """
    from .capture import load_about

    abouts = {name: load_about(folder / name) for name in recipe.data if (folder / name).is_file()}
    told = any("source" in about for about in abouts.values())
    if not abouts or (recipe.sources and not told):
        return recipe
    licences = [about.get("licence", "") for about in abouts.values()]
    unsaid = "" if told else recipe.licence
    return replace(
        recipe,
        sources=tuple(f"{n}: {a.get('source', 'source not given')}" for n, a in abouts.items()),
        licence="; ".join(dict.fromkeys(licences)) if all(licences) else unsaid,
    )


def _run(training: Training, seconds: float | None) -> None:
    from tqdm import tqdm

    from ..mixste.cost import cost_of

    recipe = training.recipe
    print(f"{recipe.name}: {cost_of(recipe.network.as_dict())}")
    with tqdm(desc=recipe.name, total=recipe.steps, initial=training.step, unit="step") as bar:

        def report(step: int, error: float) -> None:
            bar.set_postfix_str(f"{error * 1000:.0f} mm", refresh=False)
            bar.update(step - bar.n)

        training.run(seconds, report)


def _export(parsed: argparse.Namespace) -> int:
    _need_torch()
    print(_export_run(parsed.run, parsed.out, parsed.name or parsed.run.name))
    return 0


def _export_run(run: Path, out: Path, name: str) -> Path:
    from ..mixste.model import ModelCard
    from .export import export_model, network_from
    from .loop import load_checkpoint

    state = load_checkpoint(run)
    values: dict[str, Any] = json.loads(state["recipe"])
    network = network_from(state["average"], values["network"]["heads"], str(run))
    words, data = f"lift-to-3d train {values['name']}", [*values.get("sources", ())]
    if dataset := values.get("dataset"):
        words += f" --dataset {dataset} --keypoints {values['keypoints']}"
        words += f" --frames {network.config.frames}"
        data.append(f"{dataset} with the keypoints {values['keypoints']}")
    card = ModelCard(
        name=name,
        frames=network.config.frames,
        rate=(values["rate"][0] * values["rate"][1]) ** 0.5,
        in_channels=network.config.in_channels,
        input=state.get("input", "picture" if dataset else "view"),
        flip=bool(dataset),
        overlap=0.5 if dataset else 0.2,
        licence=values.get("licence", ""),
        data=tuple(data or values["data"]),
        command=f"{words} ({state['step']} steps)",
        network=network.config.as_dict(),
    )
    return export_model(network, card, out)


def _import(parsed: argparse.Namespace) -> int:
    _need_torch()
    from ..mixste.cost import cost_of
    from ..mixste.model import ModelCard
    from .export import export_model, network_from
    from .published import read_published

    network = network_from(read_published(parsed.file), parsed.heads, str(parsed.file))
    config = network.config
    if config.in_channels != 2 or (parsed.coco and config.joints != 17):
        raise ModelError(
            f"{parsed.file}: takes {config.in_channels} numbers for each of {config.joints} "
            "joints; only networks for x and y can be run, with --coco those of 17 joints."
        )
    joints = "" if config.joints == 17 else f"{config.joints} joints, "
    print(f"{joints}{config.frames} frames: {cost_of(config.as_dict())}")
    card = ModelCard(
        name=parsed.name or parsed.file.stem,
        frames=config.frames,
        rate=parsed.rate or (_HUMANEVA_RATE if config.joints == 15 else _HUMAN36M_RATE),
        in_channels=2,
        input="coco" if parsed.coco else "picture",
        licence="that of the file it was imported from",
        command=f"lift-to-3d import-checkpoint {parsed.file.name}",
        network=config.as_dict(),
    )
    print(export_model(network, card, parsed.out))
    return 0


def _evaluate(parsed: argparse.Namespace) -> int:
    from ..mixste.model import find_model, shipped_models, write_card

    if not parsed.capture and not parsed.real and not parsed.dataset:
        raise MotionError(
            "nothing to measure on; give --capture FILES, --real TRC INPUT or --dataset NAME."
        )
    for kind, about in _WORDS_OF.items():
        alone = [word for word in about if getattr(parsed, word) is not None]
        if alone and not getattr(parsed, kind):
            raise MotionError(f"--{alone[0]} says something of --{kind}, which is not given.")
    if parsed.into_card and not (parsed.capture or parsed.real):
        raise MotionError("--into-card writes figures of --capture or --real; give one of them.")
    if parsed.into_card and parsed.model in shipped_models():
        raise ModelError(
            f"--into-card would change the card of the shipped model {parsed.model}; "
            "give the .onnx file whose card is meant as --model."
        )
    [(name, count), *_] = Counter(map(_stem, parsed.capture)).most_common(1) or [("", 0)]
    if count > 1:
        raise MotionError(f"{count} captures are called {name}; rename all but one of them.")
    _need_torch()
    if parsed.figures:
        need_folder(parsed.figures)
    from ..mixste.cost import cost_of

    model = find_model(parsed.model)
    if model.card.network and not parsed.json:
        print(f"{model.card.name}: {cost_of(model.card.network)}")
    if parsed.dataset:
        research.evaluate_dataset(parsed)
    if parsed.into_card and parsed.capture:
        model = _calibrated(model, parsed)
    figures: dict[str, Any] = {}
    if parsed.capture:
        figures |= _evaluate_captures(model, parsed)
    if parsed.real:
        figures |= _evaluate_real(model, parsed)
    if parsed.into_card:
        rounded = {test: _rounded(result) for test, result in figures.items()}
        write_card(replace(model.card, figures=model.card.figures | rounded), model.card_path)
    return 0


def _calibrated(model: Model, parsed: argparse.Namespace) -> Model:
    """The model with the confidence that its errors on the first capture give it."""
    from ..mixste.backend import open_backend
    from ..mixste.model import write_card
    from .evaluate import calibrated, virtual_clips

    run = open_backend(model, parsed.device)
    both = (virtual_clips(parsed.capture[0], noise, seed=1) for noise in (0.0, 1.0))
    card = calibrated(model.card, chain.from_iterable(both), run)
    write_card(card, model.card_path)
    return replace(model, card=card)


def _evaluate_captures(model: Model, parsed: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Errors on each capture, seen perfectly and by the simulated detector, by test."""
    from tqdm import tqdm

    from .evaluate import score, virtual_clips

    hidden = True if parsed.json else None  # None: where stderr is not a terminal
    found = {}
    for path in parsed.capture:
        for title, noise in (("clean", 0.0), ("noisy", 1.0)):
            test, lifted = f"{_stem(path)} {title}", []
            told = lifted.append if parsed.figures else None
            takes = virtual_clips(path, noise)
            with tqdm(takes, desc=test, unit="take", leave=False, disable=hidden) as clips:
                result = score(clips, parsed.model, parsed.device, parsed.mirror, told=told)
            found[test] = asdict(result)
            _show(test, found[test], parsed.json)
            if parsed.figures:
                research.draw_clips(lifted, model, test, parsed)
    return found


def _evaluate_real(model: Model, parsed: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Errors of one real clip against its reference, by test."""
    from ..clean import clean
    from ..tracks import read
    from .reference import lift_real, read_trc, score_real

    trc, keypoints = parsed.real
    truth, fps = read_trc(trc)
    [track] = read(
        keypoints, fps=parsed.fps or fps, size=parsed.size, fov=parsed.fov, person="largest"
    )
    answer = lift_real(clean(track), truth, parsed.model, parsed.device, parsed.mirror)
    result, test = asdict(score_real(answer, fps)), f"{keypoints.name} real"
    _show(test, result, parsed.json)
    if parsed.figures:
        research.draw_real(answer, model, test, parsed)
    return {test: result}


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {k: round(v, 3) if isinstance(v, float) else v for k, v in values.items()}


def _show(test: str, values: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json_line(test, values), flush=True)
        return
    print(test)
    for name, value in values.items():
        words = number(value, 3) if isinstance(value, float) else value
        if isinstance(value, tuple):
            words = ", ".join(value) or "none"
        if isinstance(value, dict):
            words = ", ".join(f"{joint} {error:.0f}" for joint, error in value.items())
        print(f"  {name:14} {words}", flush=True)


def _need_torch() -> None:
    try:
        import torch  # noqa: F401 (only whether it is there)
    except ImportError as error:
        raise LiftError(
            f"this needs torch, which is not installed for {sys.executable}: "
            f"{how_to_install('train')}."
        ) from error
