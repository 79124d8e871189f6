"""Motion capture for training and evaluation: packed files and windows of them.

A packed file is an ``.npz``, bare or inside ``.xz``, with two arrays: ``delta``, int16 (17, 3,
frames), and ``meta``, the bytes of a JSON object ``{fps, takes: [{id, subject, action, source,
frames}]}``. The takes stand one after another along ``frames``; the running sum of a take's
``delta`` is millimetres in the world: Z up, right-handed, Human3.6M order.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import MotionError, reason

_MAX_BYTES = 4 << 30


@dataclass(frozen=True)
class Take:
    """One uninterrupted recording.

    Attributes:
        name: unique within a file.
        subject: who moves; splits are by subject.
        action: what it shows.
        joints: (frames, 17, 3) float32, world metres, Z up.
        fps: frames a second.
    """

    name: str
    subject: str
    action: str
    joints: np.ndarray
    fps: float


def load_takes(path: Path) -> list[Take]:
    """All takes of a packed file.

    Raises:
        MotionError: the file is missing or not of this format.
    """
    try:
        data = _unpacked(path)
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            delta, meta = file["delta"], json.loads(file["meta"].tobytes())
        fps, infos = float(meta["fps"]), meta["takes"]
        lengths = [int(info["frames"]) for info in infos]
        if delta.shape != (17, 3, sum(lengths)):
            raise ValueError(f"delta has shape {delta.shape}")
    except (OSError, EOFError, lzma.LZMAError, ValueError, KeyError, TypeError) as error:
        raise MotionError(f"{path}: not a packed motion-capture file ({reason(error)}).") from error
    parts = np.split(delta.transpose(2, 0, 1), np.cumsum(lengths)[:-1])
    return [
        Take(
            name=str(info["id"]),
            subject=str(info["subject"]),
            action=str(info.get("action", "")),
            joints=np.cumsum(part, axis=0, dtype=np.int32).astype(np.float32) / 1000,
            fps=fps,
        )
        for info, part in zip(infos, parts, strict=True)
    ]


def load_about(path: Path) -> dict[str, str]:
    """What a packed file says of itself, such as source and licence; see `save_takes`.

    Raises:
        MotionError: the file is missing or not of this format.
    """
    try:
        with np.load(io.BytesIO(_unpacked(path)), allow_pickle=False) as file:
            meta = json.loads(file["meta"].tobytes())
        return {key: value for key, value in meta.items() if isinstance(value, str)}
    except (OSError, EOFError, lzma.LZMAError, ValueError, KeyError, AttributeError) as error:
        raise MotionError(f"{path}: not a packed motion-capture file ({reason(error)}).") from error


def content_of(path: Path) -> str:
    """What tells a file's content from another's, in few letters.

    Raises:
        MotionError: the file is missing.
    """
    try:
        return f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    except OSError as error:
        raise MotionError(f"{path}: cannot be read ({reason(error)}).") from error


def save_takes(takes: Sequence[Take], path: Path, about: dict[str, str] | None = None) -> None:
    """Write takes of one frame rate as a packed file, compressed if it is called ``.xz``.

    Args:
        takes: what to write; joints are rounded to millimetres.
        path: ``NAME.npz`` or ``NAME.npz.xz``; never left half written.
        about: more to say, such as source and licence; it lies beside the takes in ``meta``.

    Raises:
        MotionError: a joint moves more than 32 m from one frame to the next, or is that far away.
    """
    parts = []
    for take in takes:
        whole = np.round(take.joints.astype(float) * 1000).astype(np.int64)
        delta = np.diff(whole, axis=0, prepend=np.zeros_like(whole[:1]))
        if np.abs(delta).max() > np.iinfo(np.int16).max:
            raise MotionError(f"{take.name}: is more than 32 m away from the origin.")
        parts.append(delta.astype(np.int16))
    infos = [
        {"id": t.name, "subject": t.subject, "action": t.action, "frames": len(t.joints)}
        for t in takes
    ]
    meta = json.dumps({"fps": takes[0].fps, "takes": infos, **(about or {})}).encode()
    buffer = io.BytesIO()
    delta = np.concatenate(parts).transpose(1, 2, 0)
    np.savez(buffer, delta=delta, meta=np.frombuffer(meta, np.uint8))
    packed = lzma.compress(buffer.getvalue()) if path.suffix == ".xz" else buffer.getvalue()
    part = path.with_name(path.name + ".part")
    part.write_bytes(packed)
    part.replace(path)


def _unpacked(path: Path) -> bytes:
    if path.suffix != ".xz":
        return path.read_bytes()
    with lzma.open(path) as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError("it unpacks to more than 4 GiB")
    return data
