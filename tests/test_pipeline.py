"""The arrows in a row, on the shipped sample."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from lift_to_3d.core import pipeline
from lift_to_3d.core.cores import cores, on_few_cores
from lift_to_3d.core.errors import Cancelled, LiftError, TrackError
from lift_to_3d.core.motion import Motion
from lift_to_3d.core.pipeline import Options, part

SHORT = Options(frames=(100, 130))


@pytest.fixture
def sample(samples: Path) -> Path:
    return samples / "street_mediapipe.json"


def test_every_person_becomes_a_motion_in_the_world(sample):
    shares: list[float] = []
    motions = pipeline.motions(sample, SHORT, shares.append)
    assert [motion.person for motion in motions] == list(range(1, len(motions) + 1))
    assert len(motions) == 2
    for motion in motions:
        assert motion.fps == 30
        assert motion.name == "street_mediapipe"
        assert motion.joints.shape == (motion.frames, 17, 3)
        assert np.isfinite(motion.joints).all()
        height = np.ptp(motion.joints[..., 2], axis=1).max()
        assert 1.0 < height < 2.2
    assert shares == sorted(shares), "progress never goes back"
    assert shares[-1] == pytest.approx(1.0)
    assert max(np.diff(shares)) < 0.7


def test_one_person_of_several(sample):
    both = pipeline.motions(sample, SHORT)
    second = pipeline.motions(sample, Options(frames=SHORT.frames, person=2))
    assert [motion.person for motion in second] == [2]
    np.testing.assert_array_equal(second[0].joints, both[1].joints)


def test_height_sets_the_scale(sample):
    one, two = (
        pipeline.motions(sample, Options(frames=SHORT.frames, person=1, height=height))[0].joints
        for height in (1.0, 2.0)
    )
    thighs = [np.linalg.norm(j[:, 1] - j[:, 2], axis=-1).mean() for j in (one, two)]
    assert thighs[1] / thighs[0] == pytest.approx(2, rel=0.1)


def test_a_person_who_cannot_be_lifted_does_not_stop_the_others(sample, monkeypatch):
    from lift_to_3d.core import clean

    original = clean.clean

    def refuse_the_first(track):
        if track.person == 1:
            raise TrackError("no")
        return original(track)

    monkeypatch.setattr(clean, "clean", refuse_the_first)
    (_, first), (_, second) = pipeline.people(sample, SHORT)
    assert isinstance(first, LiftError)
    assert isinstance(second, Motion)
    with pytest.raises(TrackError, match="no"):
        pipeline.motions(sample, SHORT)


def test_progress_may_cancel(sample):
    def stop(share: float) -> None:
        if share > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        pipeline.motions(sample, SHORT, stop)


def test_part_is_a_share_of_the_whole():
    told: list[float] = []
    part(part(told.append, 0.5, 1), 0, 0.5)(0.5)
    assert told == [0.625]
    part(None, 0, 1)(0.5)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no such call")
def test_libraries_are_loaded_on_as_many_cores_as_they_may_use(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = os.sched_getaffinity(0)
    with on_few_cores():
        assert cores() == 1
        stop = threading.Event()
        thread = threading.Thread(target=stop.wait)
        thread.start()
    started = os.sched_getaffinity(thread.native_id or 0)
    stop.set()
    assert started == os.sched_getaffinity(0) == before
    monkeypatch.delenv("OMP_NUM_THREADS")
    with on_few_cores():
        assert os.sched_getaffinity(0) == before
