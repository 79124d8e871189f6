"""Stick figures of a motion: a film (``.mp4``) or a sheet of moments (``.png``).

A figure is drawn as it was filmed, but at eye level, and from the right of that, over a floor of
half-metre squares, next to the 2D keypoints where they are given. The subject's left is blue, the
right orange. What was not seen, and is made up, is faint.
"""

from __future__ import annotations

import math
import os
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from .core.errors import LiftError, how_to_install
from .core.ground.bones import ANKLE_HEIGHT, FEET
from .core.ground.raised import raised, tiles
from .core.motion import Motion
from .core.skeleton import H36M
from .core.track import Track

if TYPE_CHECKING:
    from PIL import Image

Color = tuple[int, int, int]
Progress = Callable[[float], None]

BACKGROUND: Color = (27, 29, 34)
GRID: Color = (98, 104, 118)
SHADOW: Color = (14, 15, 18)
LEDGE: Color = (44, 47, 55)
TEXT: Color = (190, 195, 205)
MIDDLE: Color = (226, 228, 233)
LEFT: Color = (86, 166, 255)
RIGHT: Color = (255, 158, 74)

FILM_PANEL = (416, 560)
SHEET_PANEL = (232, 300)
SHEET_MOMENTS = 6
MAX_FPS = 60.0

_OVERSAMPLING = 2
_DISTANCE = 5.5  # of the eye from the figure, metres
_ELEVATION = math.radians(9)
_TARGET = 0.92  # height the eye looks at, metres
_CLIMB = 0.15  # the pelvis may rise and sink so far before the eye goes along, metres
_STRAY = 0.3  # the pelvis never gets further from where the eye looks, metres
_VIEW = 2.5  # metres of the world that a panel's height shows
_FLOOR = 2.5  # half the floor's side, metres
_TILE = 0.5
_UNSEEN = 0.75  # how much of the background is in what nobody saw
_MARGIN = 1 / 14  # of a panel, at its foot, is left to what is written there

_SKULL, _NOSE_SIZE = 0.1, 0.028  # radius of a head and a nose, metres

_THORAX, _NOSE, _HEAD = 8, 9, 10
_WORLD_BONES = (*(bone for bone in H36M.bones if _NOSE not in bone), (_THORAX, _HEAD))
_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_SHOULDERS = ("left_shoulder", "right_shoulder")
_FACE_TO_HEAD = 0.68  # a head's radius over what is widest apart in the face
_COCO_BONES = (
    ("left_ear", "left_eye"), ("left_eye", "nose"), ("nose", "right_eye"),
    ("right_eye", "right_ear"), ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"),
    *((f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in (
        ("shoulder", "elbow"), ("elbow", "wrist"), ("shoulder", "hip"), ("hip", "knee"),
        ("knee", "ankle"), ("ankle", "big_toe"), ("ankle", "heel"))),
)  # fmt: skip


def write(
    motion: Motion,
    path: str | Path,
    *,
    track: Track | None = None,
    progress: Progress | None = None,
) -> Path:
    """Draw a motion into a film or a sheet, whole or not at all.

    Args:
        motion: what to show, world metres, Z up, facing -Y at the start.
        path: ``.mp4`` for a film at the motion's rate (at most 60), ``.png`` for six moments.
        track: the 2D keypoints that the motion was lifted from, shown beside it.
        progress: called with 0..1; may raise `Cancelled`.

    Raises:
        LiftError: another suffix, a folder that cannot be written, or a drawing library missing.
    """
    path = Path(path)
    writer = {".mp4": _write_film, ".png": _write_sheet}.get(path.suffix.lower())
    if writer is None:
        raise LiftError(f"A preview is an .mp4 or a .png, not '{path.name}'.")
    _need("PIL", "pillow")
    filmed = motion.filmed_from
    turn = filmed or 0.0
    beside, side = (90, "right") if motion.face_is_left_of(turn) else (-90, "left")
    seen = (motion.confidence > 0) & (True if track is None else _in_picture(track))
    panels: list[Panel] = [
        WorldPanel("front" if filmed is None else "as filmed", motion, turn, seen),
        WorldPanel(f"from the {side}", motion, turn + beside, seen),
    ]
    if track is not None:
        panels.insert(0, PicturePanel("keypoints", track))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".preview-", dir=path.parent) as folder:
        temporary = Path(folder, "preview" + path.suffix.lower())
        writer(panels, motion, temporary, progress or (lambda _: None))
        os.replace(temporary, path)
    return path


class Canvas:
    """A picture drawn at twice its size and reduced, which makes smooth lines; units are pixels."""

    def __init__(self, width: int, height: int) -> None:
        from PIL import Image, ImageDraw

        n = _OVERSAMPLING
        self.size = (width, height)
        self._image = Image.new("RGB", (width * n, height * n), BACKGROUND)
        self._draw = ImageDraw.Draw(self._image)

    def line(self, a: np.ndarray, b: np.ndarray, color: Color, width: float) -> None:
        """A line from a to b (x, y), with round ends where it is broad."""
        n = _OVERSAMPLING
        points = [float(a[0]) * n, float(a[1]) * n, float(b[0]) * n, float(b[1]) * n]
        self._draw.line(points, fill=color, width=max(1, round(width * n)))
        if width > 2:
            self.dot(a, color, width / 2)
            self.dot(b, color, width / 2)

    def dot(self, at: np.ndarray, color: Color, radius: float) -> None:
        """A filled circle."""
        x, y, r = float(at[0]) * 2, float(at[1]) * 2, radius * _OVERSAMPLING
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=color)

    def area(self, corners: np.ndarray, color: Color) -> None:
        """A filled polygon of (n, 2) corners."""
        self._draw.polygon([tuple(corner) for corner in corners * _OVERSAMPLING], fill=color)

    def text(
        self, at: tuple[float, float], text: str, color: Color, size: int, anchor="la"
    ) -> None:
        """A line of text; `anchor` as Pillow has it."""
        x, y = at[0] * _OVERSAMPLING, at[1] * _OVERSAMPLING
        font = _font(size * _OVERSAMPLING)
        edge = {"stroke_width": 2 * _OVERSAMPLING, "stroke_fill": BACKGROUND}
        self._draw.text((x, y), text, fill=color, font=font, anchor=anchor, **edge)

    def paste(self, other: Canvas, x: int, y: int) -> None:
        """Lay another canvas on this one, its top left corner at x, y."""
        self._image.paste(other._image, (x * _OVERSAMPLING, y * _OVERSAMPLING))

    def picture(self) -> Image.Image:
        """What was drawn, at its own size."""
        return self._image.reduce(_OVERSAMPLING)


@dataclass
class WorldPanel:
    """The figure in its world, seen by an eye that follows it on the floor.

    Attributes:
        title: written in the corner.
        motion: what is shown.
        turn: degrees that the eye has gone round to the figure's left, 0 before its face at the
            start.
        seen: (frames, 17) bool; where not given, what has any confidence.
    """

    title: str
    motion: Motion
    turn: float
    seen: np.ndarray | None = None

    def __post_init__(self) -> None:
        turn = math.radians(self.turn)
        toward = np.array([-math.sin(turn), math.cos(turn), 0.0])
        up = np.array([0.0, 0.0, 1.0])
        forward = math.cos(_ELEVATION) * toward - math.sin(_ELEVATION) * up
        right = np.cross(forward, up) / math.cos(_ELEVATION)
        self._axes = np.stack([right, np.cross(right, forward), forward])
        pelvis = np.nan_to_num(self.motion.joints[:, 0].astype(float))
        self._target = gaussian_filter1d(pelvis, self.motion.fps, axis=0, mode="nearest")
        climb = self._target[:, 2] - _TARGET
        self._target[:, 2] = _TARGET + climb - np.clip(climb, -_CLIMB, _CLIMB)
        ahead = pelvis - self._target
        self._target += ahead - np.clip(ahead, -_STRAY, _STRAY)
        seen = self.motion.confidence > 0 if self.seen is None else self.seen
        self._faint = np.where(seen, 0.0, _UNSEEN)
        _, places = raised(self.motion)
        self._ledge = tiles(places, _TILE)
        self._ledge_height = float(np.median(places[:, 2])) if len(places) else math.inf

    def draw(self, frame: int, size: tuple[int, int]) -> Canvas:
        """One frame as a picture of its own."""
        canvas = Canvas(*size)
        target = self._target[frame]

        def project(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            seen = (points - target) @ self._axes.T
            depth = seen[..., 2] + _DISTANCE
            scale = size[1] / _VIEW * _DISTANCE / depth
            x = size[0] / 2 + seen[..., 0] * scale
            y = size[1] / 2 - seen[..., 1] * scale
            return np.stack([x, y], -1), depth

        self._draw_floor(canvas, target, project)
        above = float(self.motion.joints[frame, FEET, 2].min()) - ANKLE_HEIGHT
        on_ledge = above > self._ledge_height - _TILE
        if on_ledge:
            self._draw_ledge(canvas, project)
        self._draw_figure(canvas, frame, project, self._ledge_height if on_ledge else 0.0)
        below, _ = project(target * (1, 1, 0))
        if below[1] > size[1]:
            text = f"{above:.1f} m above the floor"
            canvas.text((size[0] / 2, size[1] * (1 - _MARGIN)), text, TEXT, 13, "md")
        return canvas

    def _draw_figure(self, canvas: Canvas, frame: int, project, ground: float) -> None:
        """The body, and its shadow on a ground of that height."""
        joints, faint = self.motion.joints[frame].astype(float), self._faint[frame]
        nose, joints[_HEAD] = joints[_NOSE].copy(), _skull(joints)
        tall = canvas.size[1]
        thick = tall / 72
        shadow, _ = project(joints * (1, 1, 0) + (0, 0, ground))
        for a, b in _WORLD_BONES:
            canvas.line(shadow[a], shadow[b], SHADOW, thick * 0.8)
        points, depth = project(joints)
        soles, _ = project(joints[FEET] - (0, 0, ANKLE_HEIGHT))
        for foot, ankle in enumerate(FEET):
            if self.motion.contacts[frame, foot] > 0.5:
                color = _mix(_side_color(ankle), BACKGROUND, float(faint[ankle]))
                canvas.dot(soles[foot], color, thick * 1.1)
        near, far = depth.min(), depth.max()
        for a, b in sorted(_WORLD_BONES, key=lambda bone: -float(depth[list(bone)].mean())):
            away = (depth[[a, b]].mean() - near) / max(far - near, 0.3)
            share = max(0.4 * away, faint[a], faint[b])
            canvas.line(points[a], points[b], _mix(_side_color(b), BACKGROUND, share), thick)
        head = _mix(MIDDLE, BACKGROUND, float(faint[_HEAD]))
        tip, tip_depth = project(nose)
        dim = _mix(head, BACKGROUND, 0.5 if tip_depth < depth[_HEAD] else 0)
        balls = [(depth[_HEAD], points[_HEAD], head, _SKULL), (tip_depth, tip, dim, _NOSE_SIZE)]
        for _, at, color, radius in sorted(balls, key=lambda ball: -float(ball[0])):
            canvas.dot(at, color, tall / _VIEW * radius)

    def _draw_ledge(self, canvas: Canvas, project) -> None:
        """What is stood on above the floor."""
        square = np.array([(0, 0), (_TILE, 0), (_TILE, _TILE), (0, _TILE)])
        corners = self._ledge[:, None] + square
        heights = np.full((*corners.shape[:2], 1), self._ledge_height)
        for tile in project(np.concatenate([corners, heights], -1))[0]:
            canvas.area(tile, LEDGE)
            for a, b in zip(tile, np.roll(tile, -1, axis=0), strict=True):
                canvas.line(a, b, GRID, 1)

    def _draw_floor(self, canvas: Canvas, target: np.ndarray, project) -> None:
        start = np.round((target[:2] - _FLOOR) / _TILE) * _TILE
        ticks = np.arange(0, 2 * _FLOOR + _TILE / 2, _TILE)
        grid = np.stack(np.meshgrid(start[0] + ticks, start[1] + ticks, indexing="ij"), -1)
        away = np.linalg.norm(grid - target[:2], axis=-1) / _FLOOR
        points, _ = project(np.concatenate([grid, np.zeros((*grid.shape[:2], 1))], -1))
        for rows, faded in ((points, away), (points.swapaxes(0, 1), away.T)):
            fade = np.clip((faded[:, :-1] + faded[:, 1:]) / 2, 0, 1)
            for i, j in np.argwhere(fade < 1):
                color = _mix(GRID, BACKGROUND, float(fade[i, j]))
                canvas.line(rows[i, j], rows[i, j + 1], color, 1)


@dataclass
class PicturePanel:
    """The 2D keypoints, seen by an eye that follows the person over the picture.

    Attributes:
        title: written in the corner.
        track: what is shown.
    """

    title: str
    track: Track

    def __post_init__(self) -> None:
        names = self.track.joints
        self._bones = [
            (names.index(a), names.index(b)) for a, b in _COCO_BONES if a in names and b in names
        ]
        self._middle, self._extent = _follow(self.track)
        self._heads = _heads(self.track, 0.045 * self._extent[:, 1])

    def draw(self, frame: int, size: tuple[int, int]) -> Canvas:
        """One frame as a picture of its own."""
        canvas = Canvas(*size)
        room = np.array([size[0] * 0.9, size[1] * 0.74])
        scale = float((room / self._extent[frame]).min())

        def place(points: np.ndarray) -> np.ndarray:
            return (points - self._middle[frame]) * scale + np.array(size) / 2

        width, height = self.track.size
        edge = place(np.array([[0, 0], [width, 0], [width, height], [0, height]], float))
        for a, b in zip(edge, np.roll(edge, -1, axis=0), strict=True):
            canvas.line(a, b, GRID, 1)
        points = place(self.track.xy[frame])
        points = np.clip(points, -1e4, 1e4)
        sure = np.clip(self.track.confidence[frame], 0.25, 1)
        thick = size[1] / 100
        middle, neck, radius, head_sure = (part[frame] for part in self._heads)
        if np.isfinite(middle).all():
            head = _mix(BACKGROUND, MIDDLE, 0.4 * max(0.25, float(head_sure)))
            if np.isfinite(neck).all():
                canvas.line(place(neck), place(middle), head, thick)
            canvas.dot(place(middle), head, float(radius) * scale)
        for a, b in self._bones:
            if np.isfinite(points[[a, b]]).all():
                sides = {
                    name.split("_")[0] for name in (self.track.joints[a], self.track.joints[b])
                }
                color = _mix(BACKGROUND, _name_color(sides), float(min(sure[a], sure[b])))
                canvas.line(points[a], points[b], color, thick)
        return canvas


def _skull(joints: np.ndarray) -> np.ndarray:
    """(3,) the middle of the head: below the crown, toward the neck."""
    neck = joints[_THORAX] - joints[_HEAD]
    return joints[_HEAD] + neck * (_SKULL / max(float(np.linalg.norm(neck)), _SKULL))


def _in_picture(track: Track) -> np.ndarray:
    """(frames, 17) whether a limb's joint was seen in the picture, not guessed beyond its edge."""
    xy, _ = track.select(H36M.names)
    inside = (xy >= 0).all(-1) & (xy <= track.size).all(-1)
    return inside | np.isnan(xy).any(-1)


def _heads(
    track: Track, least: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where heads and necks are, (frames, 2) each, how large heads are, and how sure, (frames,).

    Args:
        track: whose face is between the ears, or where else something of it was seen.
        least: (frames,) radius where the face tells nothing.
    """
    face, sure = track.select(_FACE)
    shoulders, _ = track.select(_SHOULDERS)
    apart = np.nan_to_num(np.linalg.norm(face[:, :, None] - face[:, None], axis=-1))
    radius = np.maximum(_FACE_TO_HEAD * apart.max((1, 2)), least)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # frames where no face is seen
        ears, all_of_it = np.nanmean(face[:, 3:], axis=1), np.nanmean(face, axis=1)
    middle = np.where(np.isnan(ears), all_of_it, ears)
    smooth = gaussian_filter1d(radius, track.fps / 4, mode="nearest")
    return middle, shoulders.mean(1), smooth, sure.max(1)


def _follow(track: Track) -> tuple[np.ndarray, np.ndarray]:
    """Where to look and how much to show: (frames, 2) middle and extent of the person, smoothed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # frames where nobody is seen
        low, high = np.nanmin(track.xy, axis=1), np.nanmax(track.xy, axis=1)
    boxes = np.concatenate([(low + high) / 2, high - low], axis=1)
    seen = np.flatnonzero(np.isfinite(boxes).all(1))
    if len(seen) == 0:
        boxes[:], seen = [*np.array(track.size) / 2, *track.size], np.arange(track.frames)
    rows = np.arange(track.frames)
    boxes = np.stack([np.interp(rows, seen, column[seen]) for column in boxes.T], axis=1)
    boxes[:, 2:] = maximum_filter1d(boxes[:, 2:], 1 + int(track.fps), axis=0, mode="nearest")
    smooth = gaussian_filter1d(boxes, track.fps / 2, axis=0, mode="nearest")
    middle, extent = smooth[:, :2], np.maximum(smooth[:, 2:], 1.0)
    ahead = boxes[:, :2] - middle
    return middle + ahead - np.clip(ahead, -0.15 * extent, 0.15 * extent), extent


Panel = WorldPanel | PicturePanel


def _write_film(panels: list[Panel], motion: Motion, path: Path, progress: Progress) -> None:
    ffmpeg = _need("imageio_ffmpeg", "imageio-ffmpeg")
    width, height = FILM_PANEL
    step = math.ceil(motion.fps / MAX_FPS)
    film = ffmpeg.write_frames(
        str(path),
        (width * len(panels), height),
        fps=motion.fps / step,
        quality=None,
        output_params=["-crf", "20", "-preset", "veryfast", "-movflags", "+faststart"],
        ffmpeg_log_level="error",
    )
    film.send(None)
    try:
        for frame in range(0, motion.frames, step):
            film.send(_film_frame(panels, motion, frame).tobytes())
            progress((frame + 1) / motion.frames)
    finally:
        film.close()


def _film_frame(panels: list[Panel], motion: Motion, frame: int) -> Image.Image:
    width, height = FILM_PANEL
    canvas = Canvas(width * len(panels), height)
    for i, panel in enumerate(panels):
        canvas.paste(panel.draw(frame, FILM_PANEL), i * width, 0)
        canvas.text((i * width + 16, 14), panel.title, TEXT, 17)
    _legend(canvas, 16, height - 16, 15)
    text = f"{_clock(frame / motion.fps)}    frame {frame + 1} of {motion.frames}"
    canvas.text((canvas.size[0] - 16, height - 16), text, TEXT, 15, "rd")
    canvas.text((canvas.size[0] - 16, 14), _title(motion), TEXT, 15, "ra")
    return canvas.picture()


def _write_sheet(panels: list[Panel], motion: Motion, path: Path, progress: Progress) -> None:
    width, height = SHEET_PANEL
    moments = motion.moments(SHEET_MOMENTS)
    top, left, bottom = 68, 110, 40
    canvas = Canvas(left + width * len(moments), top + height * len(panels) + bottom)
    canvas.text((16, 14), _title(motion), MIDDLE, 19)
    for i, frame in enumerate(moments):
        x = left + i * width
        for row, panel in enumerate(panels):
            canvas.paste(panel.draw(frame, SHEET_PANEL), x, top + row * height)
        canvas.text((x + width / 2, top - 22), _clock(frame / motion.fps), TEXT, 14, "ma")
        progress((i + 1) / len(moments))
    for row, panel in enumerate(panels):
        canvas.text((16, top + row * height + height // 2), panel.title, TEXT, 15, "lm")
    _legend(canvas, 16, canvas.size[1] - 14, 14)
    canvas.text(
        (canvas.size[0] - 16, canvas.size[1] - 14), "floor: squares of 0.5 m", TEXT, 14, "rd"
    )
    canvas.picture().save(path)


def _legend(canvas: Canvas, x: float, y: float, size: int) -> None:
    faint = _mix(MIDDLE, BACKGROUND, _UNSEEN)
    for text, color, room in (
        ("left", LEFT, 2.6),
        ("right", RIGHT, 3.4),
        ("not seen, made up", faint, 9),
    ):
        canvas.text((x, y), text, color, size, "ld")
        x += room * size


def _title(motion: Motion) -> str:
    name = motion.name.encode("utf-8", "replace").decode()
    return f"{name}, person {motion.person}" if motion.person > 1 else name


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{seconds % 60:05.2f}"


def _side_color(joint: int) -> Color:
    return LEFT if joint in H36M.left else RIGHT if joint in H36M.right else MIDDLE


def _name_color(sides: set[str]) -> Color:
    sides = sides - {"nose"}
    return LEFT if sides == {"left"} else RIGHT if sides == {"right"} else MIDDLE


def _mix(a: Color, b: Color, share: float) -> Color:
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


@cache
def _font(size: int):
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _need(module: str, package: str):
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise LiftError(
            f"Previews need the package {package}: {how_to_install('preview')}."
        ) from error
