"""Detect the people in a video with MediaPipe and write the shipped keypoint files.

Needs Python 3.11 with ``mediapipe==0.10.21`` and ``numpy<2``; see README.md for the commands.
The wheel of that version carries both models that are used here. The pose landmarker for several
people wants them in one bundle that says how pictures are scaled, which is made first.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import cv2
import mediapipe as mp
from mediapipe.tasks.python import BaseOptions, vision
from mediapipe.tasks.python.metadata.metadata_writers import metadata_writer

MODULES = Path(mp.__file__).parent / "modules"
COCO_FROM_MEDIAPIPE = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)


def with_scaling(model: Path, mean: float, deviation: float) -> bytes:
    """A model that says how its picture is scaled: (value - mean) / deviation."""
    writer = metadata_writer.MetadataWriter.create(bytearray(model.read_bytes()))
    writer.add_image_input([mean], [deviation])
    return bytes(writer.populate()[0])


def write_bundle(path: Path) -> None:
    """The detector and the landmark model of the wheel as one task file."""
    with zipfile.ZipFile(path, "w") as bundle:
        detector = MODULES / "pose_detection" / "pose_detection.tflite"
        bundle.writestr("pose_detector.tflite", with_scaling(detector, 127.5, 127.5))
        landmarks = MODULES / "pose_landmark" / "pose_landmark_full.tflite"
        bundle.writestr("pose_landmarks_detector.tflite", with_scaling(landmarks, 0.0, 255.0))


def detect(video: Path, people: int) -> dict[str, Any]:
    """Every frame's people: 33 landmarks x, y, z, visibility each."""
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "pose.task"
        write_bundle(task)
        options = vision.PoseLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(task)),
            running_mode=vision.RunningMode.VIDEO,
            num_poses=people,
        )
        clip = cv2.VideoCapture(str(video))
        fps = clip.get(cv2.CAP_PROP_FPS)
        size = [int(clip.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)]
        frames = []
        with vision.PoseLandmarker.create_from_options(options) as landmarker:
            while (read := clip.read())[0]:
                picture = cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB)
                image = mp.Image(image_format=mp.ImageFormat.SRGB, data=picture)
                found = landmarker.detect_for_video(image, round(len(frames) * 1000 / fps))
                marks = [
                    [[round(v, 5) for v in (p.x, p.y, p.z)] + [round(p.visibility, 3)] for p in one]
                    for one in found.pose_landmarks
                ]
                frames.append({"frame": len(frames), "landmarks": marks})
    return {"fps": fps, "width": size[0], "height": size[1], "frames": frames}


def coco_results(clip: dict[str, Any]) -> list[dict[str, Any]]:
    """The same people as COCO keypoint results, in pixels."""
    results = []
    for frame in clip["frames"]:
        for person in frame["landmarks"]:
            marks = [person[i] for i in COCO_FROM_MEDIAPIPE]
            keypoints = [
                v
                for x, y, _, seen in marks
                for v in (round(x * clip["width"], 2), round(y * clip["height"], 2), seen)
            ]
            score = round(sum(mark[3] for mark in marks) / len(marks), 3)
            results.append(
                {"image_id": frame["frame"], "category_id": 1, "keypoints": keypoints}
                | {"score": score}
            )
    return results


def write_json(path: Path, document: object) -> None:
    """Compact JSON."""
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n")


def main() -> None:
    """Read the arguments, detect, write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--people", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    clip = detect(options.video, options.people)
    write_json(options.out / "street_mediapipe.json", clip)
    write_json(options.out / "street_coco.json", coco_results(clip))


if __name__ == "__main__":
    main()
