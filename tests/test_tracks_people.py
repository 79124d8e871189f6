"""Who is who: crossings, empty frames, false people, doubles, and ids that swap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lift_to_3d.core.errors import TrackError
from lift_to_3d.core.layouts import COCO_17
from lift_to_3d.core.tracks import inspect, read
from lift_to_3d.core.tracks.detections import Detections
from lift_to_3d.core.tracks.people import find_people

FRAMES = 120
SHAPE = np.array(
    [(0, -90), (5, -95), (-5, -95), (10, -92), (-10, -92), (25, -70), (-25, -70), (35, -35),
     (-35, -35), (38, 0), (-38, 0), (15, 0), (-15, 0), (17, 50), (-17, 50), (18, 100), (-18, 100)],
    float,
)  # fmt: skip


def walker(start: tuple[float, float], speed: tuple[float, float], seed: int) -> np.ndarray:
    """(FRAMES, 17, 2): a figure about 200 px tall that moves and swings its limbs."""
    rng = np.random.default_rng(seed)
    time = np.arange(FRAMES)[:, None]
    way = np.array(start) + time * np.array(speed)
    swing = 20 * np.sin(time / 6 + rng.uniform(0, 6) + np.pi * (np.arange(17) % 2))
    figure = SHAPE[None] + way[:, None]
    figure[..., 0] += swing * (np.arange(17) > 6)
    return figure + rng.normal(0, 1, figure.shape)


def detections(
    people: list[np.ndarray], seen: np.ndarray, seed: int = 0, ids: np.ndarray | None = None
) -> tuple[Detections, np.ndarray]:
    """People in random order in each frame, where `seen` (people, FRAMES); and who is who."""
    rng = np.random.default_rng(seed)
    rows = []
    for frame in range(FRAMES):
        there = [p for p in range(len(people)) if seen[p, frame]]
        rows += [(frame, p) for p in rng.permutation(there)]
    frame, who = np.array(rows).T
    xy = np.stack([people[p][f] for f, p in rows])
    points = np.concatenate([xy, np.full((*xy.shape[:2], 1), 0.8)], -1)
    given_ids = None if ids is None else ids[who, frame]
    return Detections.build("test", COCO_17, frame, points, ids=given_ids), who


def purity(found: Detections, who: np.ndarray, people: int) -> None:
    """Every person is one track of this person alone."""
    tracks = find_people(found, 30.0).rows
    assert len(tracks) == people
    for rows in tracks:
        assert len(np.unique(who[rows])) == 1
        assert len(rows) == np.count_nonzero(who == who[rows[0]])


CROSSING = [walker((200, 400), (6, 0), 1), walker((900, 410), (-6, 0.2), 2)]


def test_two_people_who_cross_stay_themselves():
    found, who = detections(CROSSING, np.ones((2, FRAMES), bool))
    purity(found, who, 2)


def test_a_crossing_with_one_hidden_behind_the_other():
    seen = np.ones((2, FRAMES), bool)
    seen[1, 52:64] = False
    found, who = detections(CROSSING, seen)
    purity(found, who, 2)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("numbered", [False, True])
def test_a_crossing_with_misses_ghosts_and_swapped_numbers(seed: int, numbered: bool):
    rng = np.random.default_rng(seed)
    ghost = CROSSING[0] + rng.uniform(-250, 250, (FRAMES, 1, 2))
    seen = rng.random((3, FRAMES)) < np.array([[0.9], [0.9], [0.05]])
    swapped = np.arange(FRAMES) > 58
    ids = np.stack([np.where(swapped, 2, 1), np.where(swapped, 1, 2), np.full(FRAMES, 9)])
    found, who = detections([*CROSSING, ghost], seen, seed, ids if numbered else None)
    for rows in find_people(found, 30.0).rows:
        assert len(np.unique(who[rows][who[rows] < 2])) == 1


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0, 0.3))
def test_missing_frames_do_not_split_people(seed: int, loss: float):
    seen = np.random.default_rng(seed).random((2, FRAMES)) >= loss
    apart = [walker((200, 400), (3, 0), seed), walker((900, 300), (-1, 0.5), seed + 1)]
    found, who = detections(apart, seen, seed)
    purity(found, who, 2)


def test_detector_swaps_its_ids():
    ids = np.repeat([[3], [7]], FRAMES, 1)
    ids[:, 40:45] = ids[::-1, 40:45]
    ids[:, 90:] = ids[::-1, 90:]
    apart = [walker((200, 400), (1, 0), 1), walker((900, 410), (1, 0), 2)]
    found, who = detections(apart, np.ones((2, FRAMES), bool), ids=ids)
    purity(found, who, 2)


@pytest.mark.parametrize("with_ids", [True, False])
def test_back_after_a_long_time(with_ids: bool):
    seen = np.ones((1, FRAMES), bool)
    seen[0, 30:100] = False
    ids = np.full((1, FRAMES), 5) if with_ids else None
    found, who = detections([walker((200, 400), (3, 0), 1)], seen, ids=ids)
    purity(found, who, 1) if with_ids else None
    assert len(find_people(found, 30.0).rows) == (1 if with_ids else 2)


def test_false_person_for_a_frame_is_dropped_and_told():
    seen = np.ones((2, FRAMES), bool)
    seen[1] = np.arange(FRAMES) == 37
    found, who = detections([CROSSING[0], walker((700, 300), (0, 0), 3)], seen)
    people = find_people(found, 30.0)
    assert len(people.rows) == 1
    assert (who[people.rows[0]] == 0).all()
    assert "frame 37" in people.notes[0]


def test_two_detections_of_one_person_are_one():
    doubled = CROSSING[0] + np.random.default_rng(5).normal(0, 3, CROSSING[0].shape)
    seen = np.stack([np.ones(FRAMES, bool), np.arange(FRAMES) % 3 == 0])
    found, _ = detections([CROSSING[0], doubled], seen)
    people = find_people(found, 30.0)
    assert [len(rows) for rows in people.rows] == [FRAMES]
    assert "40 detections" in people.notes[0]


def test_no_frame_is_given_twice():
    found, _ = detections(CROSSING, np.ones((2, FRAMES), bool))
    for rows in find_people(found, 30.0).rows:
        assert (np.diff(found.frame[rows]) > 0).all()


def test_people_keep_their_numbers_in_a_part_of_the_clip():
    """In frames 170 to 195 the first person of the sample is not seen."""
    sample = Path(__file__).parents[1] / "samples" / "street_mediapipe.json"
    part = (170, 195)
    (track,) = read(sample, frames=part)
    assert (track.person, track.first_frame, track.frames) == (2, 170, 25)
    assert [person.person for person in inspect(sample, frames=part).people] == [2]
    with pytest.raises(TrackError, match="no person 1 here, only 2"):
        read(sample, frames=part, person=1)
    with pytest.raises(TrackError, match="nobody in frames 400:; it covers 0:230"):
        read(sample, frames=(400, None))
