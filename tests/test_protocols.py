"""The protocols on files of the research data sets: windows, means, figures of known errors."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="tests of training need torch")
torch.set_num_threads(1)
from lift_to_3d.core.errors import ModelError, MotionError  # noqa: E402
from lift_to_3d.core.mixste.model import ModelCard  # noqa: E402
from lift_to_3d.core.mixste.view import to_view  # noqa: E402
from lift_to_3d.core.mixste.windows import cut_windows  # noqa: E402
from lift_to_3d.core.skeleton import COCO, H36M, network_joints  # noqa: E402
from lift_to_3d.core.training import protocols, research  # noqa: E402
from lift_to_3d.core.training.datasets import open_dataset  # noqa: E402

from .dataset_files import (  # noqa: E402
    h36m_files,
    humaneva_files,
    mpi_files,
    recording,
)
from .test_reprojection import BODY  # noqa: E402


@pytest.fixture
def h36m_folder(tmp_path):
    return h36m_files(tmp_path)


def test_published_windows_end_with_the_last_frames():
    assert protocols.published_index(7, 3).tolist() == [[0, 1, 2], [3, 4, 5], [4, 5, 6]]
    assert protocols.published_index(6, 3).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert protocols.published_index(2, 4).tolist() == [[0, 1, 1, 1]]


def oracle(sequences):
    """A "network" that knows the truth, wrong by 30 mm along z, and its root by 9 mm."""
    table = {}
    for s in sequences:
        for xy, joints in zip(s.normalised(), s.joints, strict=True):
            table[xy.astype(np.float32).tobytes()] = joints

    def run(windows):
        out = np.zeros((*windows.shape[:3], 3), np.float32)
        for n, window in enumerate(windows):
            for t, frame in enumerate(window):
                out[n, t] = table[np.ascontiguousarray(frame, np.float32).tobytes()]
        out[:, :, 1:, 2] += 0.03
        out[:, :, 0, 2] += 0.009
        return out

    return run


def test_protocols_find_a_known_error(h36m_folder):
    sequences = open_dataset("h36m", h36m_folder, "gt", "test")
    card = ModelCard("oracle", 5, 50.0, 2, "picture")
    mean = (16 * 30 + 9) / 17
    found = list(protocols.answers(sequences, card, oracle(sequences), flip=False))
    result = protocols.score_answers(found)
    assert result.mean.mpjpe == pytest.approx(mean, rel=1e-3)
    assert result.variance == pytest.approx(0, abs=1e-3)
    assert result.mean.pck == 100
    assert result.mean.auc == pytest.approx(100 * 24 / 31, abs=3.3), "24 of 31 limits > 30 mm"
    assert result.mean.p_mpjpe < mean
    assert result.mean.mpjve < 1e-3
    assert result.mean.frames == sum(len(a.joints) for a in found)


def test_overlapped_windows_are_lifted_as_a_users_file_is():
    """At the rate and overlap of the card, fitted to the keypoints, the root at the origin."""
    truth = np.repeat(BODY[None], 100, 0).astype(np.float32)
    place = np.linspace([-1, 0, 4], [1, 0, 5], 100)[:, None]
    camera = truth + place
    xy = (camera[..., :2] / camera[..., 2:] * 1000 + 500).astype(np.float32)
    sequence = replace(
        recording("Walking", truth, np.ones(100, bool)), xy=xy, focal=(1000, 1000, 500, 500)
    )
    card = ModelCard("wrong", 10, 17.0, 2, "picture", flip=False, overlap=0.2)
    steps, windows = [], 0

    def wrong(inputs):
        nonlocal windows
        windows += len(inputs)
        steps.extend(np.diff(inputs[:, :, 0, 0]).ravel())
        out = np.broadcast_to(BODY, (*inputs.shape[:3], 3)).copy()
        out[:, :, 13] += [0.1, 0, 0]
        out[:, :, 0] += 0.5
        return out

    [found] = protocols.answers([sequence], card, wrong, "overlapped", flip=False)
    assert windows == len(cut_windows(100, 50.0, 10, 17.0, 0.2).index)
    one = np.median(np.diff(sequence.normalised()[:, 0, 0]))
    assert np.median(steps) == pytest.approx(3 * one, rel=0.05), "every third frame"
    assert len(found.joints) == 100
    assert np.abs(found.joints[:, 0]).max() == 0
    assert np.linalg.norm(found.joints[:, 13] - truth[:, 13], axis=-1).mean() < 0.04, "fitted"


def answer(action: str, joints: np.ndarray, valid: np.ndarray | None = None) -> protocols.Answer:
    """An answer where all joints ought to be at the origin."""
    valid = np.ones(len(joints), bool) if valid is None else valid
    truth = recording(action, np.zeros_like(joints), valid)
    return protocols.Answer(truth, joints, np.arange(len(joints)))


def test_actions_count_alike_and_frames_that_are_not_valid_do_not():
    rows = []
    for action, off, frames in (("a", 0.01, 100), ("b", 0.03, 10)):
        joints = np.zeros((frames, 17, 3)) + [off, 0, 0]
        joints[0] += 5
        rows.append(answer(action, joints, np.arange(frames) > 0))
    result = protocols.score_answers(rows)
    assert result.actions["a"].mpjpe == pytest.approx(10)
    assert result.mean.mpjpe == pytest.approx(20), "not weighted by frames"
    assert result.variance == pytest.approx(100)
    assert result.mean.frames == 108


def test_in_3dhp_frames_count_alike_as_p_stmo_publishes_it(tmp_path, capsys):
    rows = []
    for action, off, frames in (("TS1", 0.01, 603), ("TS5", 0.05, 320)):
        joints = np.zeros((2 * frames, 17, 3)) + [off, 0, 0]
        rows.append(answer(action, joints, np.arange(2 * frames) < frames))
    result = protocols.score_answers(rows, "frames")
    assert result.mean.mpjpe == pytest.approx((10 * 603 + 50 * 320) / 923)
    assert result.mean.frames == 923
    assert result.other_mean.mpjpe == pytest.approx(30)

    research.show_protocol("3dhp gt", result, as_json=False)
    *_, mean, alike, last = capsys.readouterr().out.splitlines()
    assert mean.split()[:2] == ["mean", "23.87"]
    assert alike.split()[:3] == ["actions", "alike", "30.00"]
    assert "all frames count alike" in last


def test_pck_and_auc_are_those_of_3dhp():
    """Fourteen joints, 40 mm off each, but for one wrist that is 160 mm off."""
    joints = np.zeros((20, 17, 3)) + [0.04, 0, 0]
    joints[:, H36M.names.index("left_wrist")] = [0, 0.16, 0]
    for uncounted in ("pelvis", "spine", "neck_nose"):
        joints[:, H36M.names.index(uncounted)] = [0, 0, 9.0]
    score = protocols.score_answers([answer("TS1", joints)]).actions["TS1"]
    assert score.pck == pytest.approx(100 * 13 / 14)
    above = sum(limit > 40 for limit in range(0, 151, 5))
    assert score.auc == pytest.approx(100 * 13 / 14 * above / 31)


def test_velocities_do_not_leap_over_frames_that_do_not_count():
    joints = np.array([0, 0.01, 5, 0.5, 0.51])[:, None, None] * np.ones((1, 17, 1)) * [1, 0, 0]
    valid = np.array([True, True, False, True, True])
    assert protocols.score_answers([answer("TS1", joints, valid)]).mean.mpjve == pytest.approx(10)
    with pytest.raises(MotionError, match="counts"):
        protocols.score_answers([answer("TS1", joints, valid & False)])


def test_without_neighbours_there_is_no_velocity(capsys):
    """Frames that alone count have none; the mean is over the others."""
    joints = np.array([0, 5, 0.02, 5])[:, None, None] * np.ones((1, 17, 1)) * [1, 0, 0]
    alone = answer("TS1", joints, np.array([True, False, True, False]))
    result = protocols.score_answers([alone])
    assert np.isnan([result.actions["TS1"].mpjve, result.mean.mpjve]).all()
    assert result.mean.mpjpe == pytest.approx(10)
    research.show_protocol("3dhp gt", result, as_json=False)
    assert [line.split()[4] for line in capsys.readouterr().out.splitlines()[2:4]] == ["-", "-"]
    research.show_protocol("3dhp gt", result, as_json=True)
    said = capsys.readouterr().out
    assert "NaN" not in said, "which JSON does not know"
    assert json.loads(said)["mean"]["mpjve"] is None
    steady = answer("TS2", np.arange(4)[:, None, None] * np.ones((1, 17, 1)) * [0.01, 0, 0])
    assert protocols.score_answers([alone, steady], "frames").mean.mpjve == pytest.approx(10)


def test_names_of_recordings_say_nothing_twice(tmp_path):
    mpi_files(tmp_path)
    assert {s.name for s in open_dataset("3dhp", tmp_path, "gt", "test")} == {"TS1", "TS5"}
    humaneva_files(tmp_path)
    assert "S1 Jog C3" in {s.name for s in open_dataset("humaneva", tmp_path, "gt", "test")}


def test_published_windows_count_borders_and_padding():
    """The authors' code differentiates across windows, and counts the padding of short takes."""
    rise = np.linspace(0, 0.6, 7)[:, None, None] * np.ones((1, 17, 1)) * [1, 0, 0]
    sequence = recording("Walking", rise, np.ones(7, bool))
    card = ModelCard("still", 3, 50.0, 2, "picture")

    def still(windows):
        return np.zeros((*windows.shape[:3], 3))

    [found] = protocols.answers([sequence], card, still, "published", flip=False)
    assert np.allclose(found.target[:, 0, 0], [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.4, 0.5, 0.6])
    score = protocols.score_answers([found]).mean
    assert score.frames == 9
    assert score.mpjpe == pytest.approx(1000 * np.mean(found.target[:, 0, 0]))
    assert score.mpjve == pytest.approx(100), "the way back at the last border counts, too"
    longer = ModelCard("still", 9, 50.0, 2, "picture")
    [found] = protocols.answers([sequence], longer, still, "published", flip=False)
    assert np.allclose(found.target[7:, 0, 0], 0.6)
    [found] = protocols.answers([sequence], card, still, "overlapped", flip=False)
    assert len(found.target) == 7


def test_mirror_image_is_lifted_mirrored_back_and_averaged(h36m_folder):
    """A network that always leans to its right by 0.1 m leans nowhere with the mirror image."""
    [sequence, *_] = open_dataset("h36m", h36m_folder, "gt", "test")
    card = ModelCard("leaning", 5, 50.0, 2, "picture")

    def leaning(windows):
        out = np.zeros((*windows.shape[:3], 3))
        out[..., 0] = 0.1
        out[:, :, H36M.names.index("left_wrist"), 1] = 0.2
        return out

    [alone] = protocols.answers([sequence], card, leaning, flip=False)
    [both] = protocols.answers([sequence], card, leaning, flip=True)
    assert np.allclose(alone.joints[..., 0], 0.1)
    assert np.allclose(both.joints[..., 0], 0)
    for name in ("left_wrist", "right_wrist"):
        assert np.allclose(both.joints[:, H36M.names.index(name), 1], 0.1)


def limbs_of(names):
    """A "network" that puts each limb joint where it is seen, and all others at the root."""
    limbs = sorted(set(COCO) & set(H36M.names))

    def run(windows):
        out = np.zeros((*windows.shape[:2], 17, 3))
        for name in limbs:
            out[:, :, H36M.names.index(name), :2] = windows[:, :, names.index(name), :2]
        return out

    return run, [H36M.names.index(name) for name in limbs]


def test_cocos_keypoints_are_measured_with_their_own_mirror_image(h36m_folder):
    """What is the same for left and right has the same mean with the mirror image as without."""
    [sequence, *_] = open_dataset("h36m", h36m_folder, "detectron_pt_coco", "test")
    [plain, *_] = open_dataset("h36m", h36m_folder, "gt", "test")
    for kind, names in (("coco", COCO), ("picture", H36M.names)):
        run, limbs = limbs_of(names)
        card = ModelCard("limbs", 5, 50.0, 2, kind)
        for windows in protocols.WINDOWS:
            [alone] = protocols.answers([sequence], card, run, windows, flip=False)
            [both] = protocols.answers([sequence], card, run, windows, flip=True)
            assert np.allclose(alone.joints, both.joints, atol=1e-5)
            seen = plain.xy[both.frames][:, limbs]
            assert np.allclose(both.keypoints[:, limbs], seen), "drawn on the skeleton"
        [found] = protocols.answers([sequence], card, run)
        expected = plain.normalised()[found.frames][:, limbs]
        assert np.allclose(found.joints[:, limbs, :2], expected, atol=1e-5)


def test_our_own_input_is_made_of_cocos_keypoints_as_at_run_time(h36m_folder):
    [sequence, *_] = open_dataset("h36m", h36m_folder, "detectron_pt_coco", "test")
    card = ModelCard("view", len(sequence.xy), 50.0, 3, "view")
    rays = sequence.rays()
    joints, seen = network_joints(rays, np.ones(rays.shape[:2], np.float32))
    expected, _ = to_view(joints[None], seen[None])
    found = protocols.middle_window(sequence, card, "published")
    assert np.allclose(found, expected[0], atol=1e-6)


def test_a_model_of_cocos_keypoints_is_not_given_others(h36m_folder):
    sequences = open_dataset("h36m", h36m_folder, "gt", "test")
    run, _ = limbs_of(COCO)
    with pytest.raises(ModelError, match="takes COCO's keypoints, but those of S9 Walking"):
        list(protocols.answers(sequences, ModelCard("limbs", 5, 50.0, 2, "coco"), run))
