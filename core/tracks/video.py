"""What a video says of itself: frame rate, size and number of frames, without decoding it.

MP4 and MOV are read by their boxes (ISO/IEC 14496-12) and AVI by its main header; others are asked
of imageio-ffmpeg, where that is installed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import TrackError

_SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm")
_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


@dataclass(frozen=True)
class Video:
    """A clip: size as it is shown (turned as phones ask), None where the file does not say."""

    path: Path
    fps: float
    size: tuple[int, int]
    frames: int | None


def find_video(path: Path) -> Video | None:
    """A video beside a keypoint file or folder, of the same name but for the suffix."""
    for stem in dict.fromkeys((path.name, path.stem)):
        for suffix in ("", *_SUFFIXES, *map(str.upper, _SUFFIXES)):
            beside = path.parent / (stem + suffix)
            if beside.suffix.lower() in _SUFFIXES and beside != path and beside.is_file():
                try:
                    return probe(beside)
                except TrackError:
                    return None
    return None


def probe(path: str | Path) -> Video:
    """Frame rate, size and length of a video.

    Raises:
        TrackError: if there is no such file or it cannot be understood.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(12)
            if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
                video = _probe_mp4(path, stream)
            elif head[:4] == b"RIFF" and head[8:12] == b"AVI ":
                video = _probe_avi(path, stream)
            else:
                video = None
    except OSError as error:
        raise TrackError(f"{path}: the video cannot be opened ({error.strerror}).") from None
    except (struct.error, ValueError, IndexError, ZeroDivisionError):
        video = None
    video = video or _probe_ffmpeg(path)
    if video is None:
        raise TrackError(
            f"{path}: frame rate and size of this video cannot be told; give them (--fps, --size)."
        )
    return video


def _boxes(stream: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of the content of each box, those inside `_PARENTS` too."""
    while start + 8 <= end:
        stream.seek(start)
        length, kind = struct.unpack(">I4s", stream.read(8))
        content = start + 8
        if length == 1:
            (length,) = struct.unpack(">Q", stream.read(8))
            content += 8
        stop = end if length == 0 else start + length
        if not content <= stop <= end:
            return
        yield kind, content, stop
        if kind in _PARENTS:
            yield from _boxes(stream, content, stop)
        start = stop


def _probe_mp4(path: Path, stream: BinaryIO) -> Video | None:
    track: dict[str, float] = {}
    for kind, start, end in _boxes(stream, 0, path.stat().st_size):
        if kind not in (b"tkhd", b"mdhd", b"hdlr", b"stts"):
            continue
        stream.seek(start)
        content = stream.read(min(end - start, 1 << 20))
        wide = content[0] == 1
        if kind == b"tkhd":
            matrix = 52 if wide else 40
            a, b = struct.unpack_from(">ii", content, matrix)
            width, height = (v >> 16 for v in struct.unpack_from(">II", content, matrix + 36))
            turned = abs(b) > abs(a)
            track = {"width": height if turned else width, "height": width if turned else height}
        elif kind == b"mdhd":
            scale, duration = struct.unpack_from(
                ">IQ" if wide else ">II", content, 20 if wide else 12
            )
            track |= {"scale": scale, "duration": duration}
        elif kind == b"hdlr":
            track["video"] = content[8:12] == b"vide"
        elif track.get("video") and track.get("width") and track.get("duration"):
            (entries,) = struct.unpack_from(">I", content, 4)
            runs = struct.unpack_from(f">{2 * min(entries, 100_000)}I", content, 8)
            frames, ticks = (
                sum(runs[::2]),
                sum(n * d for n, d in zip(runs[::2], runs[1::2], strict=True)),
            )
            return Video(
                path, _tidy(frames * track["scale"] / ticks),
                (int(track["width"]), int(track["height"])), frames,
            )  # fmt: skip
    return None


def _probe_avi(path: Path, stream: BinaryIO) -> Video | None:
    head = stream.read(4096)
    at = head.index(b"avih") + 8
    per_frame, *_, frames = struct.unpack_from("<5I", head, at)
    width, height = struct.unpack_from("<2I", head, at + 32)
    return Video(path, _tidy(1e6 / per_frame), (width, height), frames) if width else None


def _probe_ffmpeg(path: Path) -> Video | None:
    try:
        import imageio_ffmpeg  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    try:
        reader = imageio_ffmpeg.read_frames(str(path))
        meta = next(reader)
        reader.close()
    except (OSError, RuntimeError, StopIteration):
        return None
    fps, size = meta.get("fps"), meta.get("size")
    return (
        Video(path, _tidy(float(fps)), (int(size[0]), int(size[1])), None) if fps and size else None
    )


def _tidy(fps: float) -> float:
    """29.970029 as 30000/1001, and so on; odd rates to three places."""
    for base in (24, 30, 60, 120):
        for rate in (float(base), base * 1000 / 1001):
            if abs(fps - rate) < 0.0003 * rate:
                return rate
    return round(fps, 3)
