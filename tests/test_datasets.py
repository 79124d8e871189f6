"""Research data sets: files of the exact format, cameras to the pixel, protocols, 15 joints."""

import io
import json
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

torch = pytest.importorskip("torch", reason="tests of training need torch")
torch.set_num_threads(1)

from lift_to_3d.cli import main  # noqa: E402
from lift_to_3d.core.errors import LiftError, MotionError  # noqa: E402
from lift_to_3d.core.mixste.model import ModelCard, read_card  # noqa: E402
from lift_to_3d.core.mixste.windows import cut_windows  # noqa: E402
from lift_to_3d.core.skeleton import H36M  # noqa: E402
from lift_to_3d.core.training import protocols, research  # noqa: E402
from lift_to_3d.core.training.dataset_batches import DatasetWindows, window_index  # noqa: E402
from lift_to_3d.core.training.datasets import h36m, humaneva, mpi_inf_3dhp, open_dataset  # noqa: E402
from lift_to_3d.core.training.datasets.sequence import Sequence  # noqa: E402
from lift_to_3d.core.training.loop import load_checkpoint  # noqa: E402

from .test_reprojection import BODY  # noqa: E402

FRAMES = 12


def person(joints: int, frames: int = FRAMES, seed: int = 0) -> np.ndarray:
    """Somebody's joints near the middle of the room, Z up, metres."""
    random = np.random.default_rng(seed)
    still = random.uniform([-0.5, -0.5, 0.1], [0.5, 0.5, 1.7], (joints, 3))
    moved = np.cumsum(random.normal(0, 0.01, (frames, joints, 3)), 0)
    return (still + moved).astype(np.float32)


def save_nested(path, **values):
    """As VideoPose3D and P-STMO write them: dicts pickled into arrays without a dimension."""
    np.savez_compressed(path, **{k: np.array(v, dtype=object) for k, v in values.items()})


def project_with_distortion(point, lens, stand):
    """The data set's camera, one point at a time, term by term."""
    x, y, z = (
        Rotation.from_quat([*stand.orientation[1:], stand.orientation[0]])
        .inv()
        .apply(point - np.array(stand.position) / 1000)
    )
    u, v = x / z, y / z
    r2 = u * u + v * v
    k1, k2, k3 = lens.radial
    px, py = lens.tangential
    factor = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3 + px * u + py * v
    return np.array([
        lens.focal[0] * (u * factor + px * r2) + lens.centre[0],
        lens.focal[1] * (v * factor + py * r2) + lens.centre[1],
    ])  # fmt: skip


@pytest.fixture
def h36m_folder(tmp_path):
    """Two training and two test subjects, whose keypoints are the truth's projection."""
    truth, seen = {}, {}
    for number, subject in enumerate(("S1", "S5", "S9", "S11")):
        truth[subject], seen[subject] = {}, {}
        for action in ("Walking", "Walking 1", "Sitting"):
            world = person(32, FRAMES + number, seed=len(truth))
            truth[subject][action] = world
            views = [
                np.array([[project_with_distortion(p, lens, stand) for p in frame]
                          for frame in world[:, h36m.KEPT]])
                for lens, stand in h36m.cameras(subject)
            ]  # fmt: skip
            longer = [np.concatenate([v, v[-1:]]).astype(np.float32) for v in views]
            seen[subject][action] = longer
    save_nested(tmp_path / "data_3d_h36m.npz", positions_3d=truth)
    meta = {"layout_name": "h36m", "num_joints": 17,
            "keypoints_symmetry": [list(H36M.left), list(H36M.right)]}  # fmt: skip
    for name in ("gt", "cpn_ft_h36m_dbb", "hrnet"):
        save_nested(tmp_path / f"data_2d_h36m_{name}.npz", positions_2d=seen, metadata=meta)
    return tmp_path


def humaneva_files(folder):
    truth = {f"{split}/{subject}": {f"{action} 1 chunk0": person(15, seed=seed)
                                    for seed, action in enumerate(("Walking", "Jog", "Box"))}
             for split in ("Train", "Validate") for subject in ("S1", "S2")}  # fmt: skip
    seen = {
        key: {a: [np.full((FRAMES, 15, 2), 100.0, np.float32)] * 3 for a in actions}
        for key, actions in truth.items()
    }
    save_nested(folder / "data_3d_humaneva15.npz", positions_3d=truth)
    save_nested(folder / "data_2d_humaneva15_gt.npz", positions_2d=seen, metadata={})


def mpi_files(folder):
    truth = (person(17) * 1000).astype(np.float32)
    pixels = np.full((FRAMES, 17, 2), 700.0, np.float32)
    train = {"S1 Seq1": [{"0": {"data_2d": pixels, "data_3d": truth},
                          "8": {"data_2d": pixels, "data_3d": truth}}, 25]}  # fmt: skip
    valid = np.arange(FRAMES) % 2
    test = {"TS1": {"data_2d": pixels, "data_3d": truth, "valid": valid},
            "TS5": {"data_2d": pixels, "data_3d": truth, "valid": valid}}  # fmt: skip
    save_nested(folder / "data_train_3dhp.npz", data=train)
    save_nested(folder / "data_test_3dhp.npz", data=test)
    return truth


def test_h36m_is_read_and_seen_to_the_pixel(h36m_folder):
    found = open_dataset("h36m", h36m_folder, "cpn_ft_h36m_dbb", "test")
    assert len(found) == 2 * 3 * 4
    assert {s.action for s in found} == {"Walking", "Sitting"}
    for sequence in found:
        [(lens, stand)] = [
            c for c in h36m.cameras(sequence.subject) if c[0].name == sequence.camera
        ]
        assert len(sequence.xy) == len(sequence.joints) > FRAMES
        assert np.abs(sequence.joints[:, 0]).max() == 0
        assert sequence.fps == 50
        # Joints in camera axes, put back where the pelvis is, land on the file's pixels.
        pelvis = sequence.rays()[:, :1]
        world = np.load(h36m_folder / "data_3d_h36m.npz", allow_pickle=True)["positions_3d"].item()
        action = next(a for a in world[sequence.subject] if a.startswith(sequence.action)
                      and np.allclose(stand.from_world(world[sequence.subject][a][:, h36m.KEPT])
                                      - stand.from_world(world[sequence.subject][a][:, :1]),
                                      sequence.joints, atol=1e-4))  # fmt: skip
        root = stand.from_world(world[sequence.subject][action][:, :1])
        assert np.abs(lens.project(sequence.joints + root) - sequence.xy).max() < 2e-3
        assert np.abs(pelvis - root[..., :2] / root[..., 2:]).max() < 0.02, "distortion is small"


def test_h36m_cameras_stand_around_the_room_and_look_in():
    for subject in ("S1", "S5", "S6", "S7", "S8", "S9", "S11"):
        for lens, stand in h36m.cameras(subject):
            middle = lens.project(stand.from_world(np.array([0.0, 0.0, 1.0])))
            assert np.abs(middle - np.array(lens.size) / 2).max() < 250
            above = lens.project(stand.from_world(np.array([0.0, 0.0, 1.5])))
            assert above[1] < middle[1] - 50, "up is up"


def test_normalised_keeps_the_aspect(h36m_folder):
    sequence = open_dataset("h36m", h36m_folder, "gt", "train")[0]
    width, height = sequence.size
    back = (sequence.normalised() + [1, height / width]) * width / 2
    assert np.abs(back - sequence.xy).max() < 1e-3


def test_mpi_inf_3dhp_is_put_in_our_order(tmp_path):
    truth = mpi_files(tmp_path)
    train = open_dataset("3dhp", tmp_path, "gt", "train")
    assert [(s.subject, s.action, s.camera) for s in train] == [
        ("S1", "Seq1", "0"),
        ("S1", "Seq1", "8"),
    ]
    head_top, root, right_ankle = 0, 14, 10
    at = H36M.names.index
    expected = (truth[:, head_top] - truth[:, root]) / 1000
    assert np.allclose(train[0].joints[:, at("head")], expected, atol=1e-6)
    ankle = (truth[:, right_ankle] - truth[:, root]) / 1000
    assert np.allclose(train[0].joints[:, at("right_ankle")], ankle, atol=1e-6)
    test = open_dataset("3dhp", tmp_path, "gt", "test")
    assert [s.size for s in test] == [(2048, 2048), (1920, 1080)]
    assert test[0].valid.sum() == FRAMES // 2
    assert sorted(mpi_inf_3dhp.ORDER) == list(range(17))


def test_humaneva_has_fifteen_joints(tmp_path):
    humaneva_files(tmp_path)
    found = open_dataset("humaneva", tmp_path, "gt", "test")
    assert found[0].joints.shape == (FRAMES, 15, 3)
    cells = {"Walking S1", "Jog S1", "Walking S2", "Jog S2"}
    assert {s.action for s in found} == cells, "the paper's table"
    assert len(found) == len(cells) * 3
    assert len(open_dataset("humaneva", tmp_path, "gt", "train")) == 2 * 3 * 3, "with Box"
    # The pelvis is the origin, and turning the camera keeps distances.
    world = person(15)
    lengths = np.linalg.norm(world - world[:, :1], axis=-1)
    assert np.allclose(np.linalg.norm(found[0].joints, axis=-1), lengths, atol=1e-5)
    names = humaneva.SKELETON.names
    assert [names[j].startswith("left") for j in humaneva.SKELETON.left] == [True] * 6
    for left, right in zip(humaneva.SKELETON.left, humaneva.SKELETON.right, strict=True):
        assert names[left].replace("left", "right") == names[right]


def test_humaneva_cameras_stand_around_the_room_and_look_in():
    for subject in ("S1", "S2", "S3"):
        for stand in humaneva._STANDS[subject]:
            x, y, z = stand.from_world(np.array([0.0, 0.0, 1.0]))
            assert 3 < z < 6, "metres in front"
            assert abs(x) < z / 3
            assert abs(y) < z / 3
            assert stand.from_world(np.array([0.0, 0.0, 2.0]))[1] < y - 0.9, "up is up"


class Payload:
    def __reduce__(self):
        return (open, ("was_run", "w"))


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("missing", None, "is missing"),
        ("code", {"S9": {"Walking": Payload()}}, "not run"),
        ("empty", {}, "positions_3d"),
        ("words", {"S9": {"Walking": "far"}}, "numbers"),
        ("shape", {"S9": {"Walking": np.zeros((3, 17, 3), np.float32)}}, "32 x 3"),
        ("nan", {"S9": {"Walking": np.full((3, 32, 3), np.nan, np.float32)}}, "not finite"),
    ],
)
def test_bad_files_are_said_in_one_sentence(
    h36m_folder, tmp_path, monkeypatch, name, content, word
):
    monkeypatch.chdir(tmp_path)
    path = h36m_folder / "data_3d_h36m.npz"
    path.unlink()
    if content is not None:
        save_nested(path, positions_3d=content)
    with pytest.raises(LiftError, match=word) as refused:
        open_dataset("h36m", h36m_folder, "gt", "test")
    assert str(path) in str(refused.value)
    assert not (tmp_path / "was_run").exists()


def test_training_windows_are_the_published_ones():
    assert window_index(7, 3).tolist() == [[0, 0, 1], [2, 3, 4], [5, 6, 6]]
    assert window_index(6, 3).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_half_of_the_windows_are_mirrored(h36m_folder):
    sequences = open_dataset("h36m", h36m_folder, "gt", "train")
    windows = DatasetWindows(sequences, 5, H36M, torch.device("cpu"))
    batch = windows.draw(200, torch.Generator().manual_seed(0))
    plain = (batch.targets[:, None] - windows.targets[None]).abs().amax((2, 3, 4)).amin(1) < 1e-6
    assert 70 < int(plain.sum()) < 130
    left, right = list(H36M.left), list(H36M.right)
    one = batch.targets[~plain][0]
    swapped = one.clone()
    swapped[:, left + right] = one[:, right + left]
    swapped[..., 0] *= -1
    assert float((swapped - windows.targets).abs().amax((1, 2, 3)).min()) < 1e-6


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
    found = list(protocols.answers(sequences, card, oracle(sequences), H36M, flip=False))
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

    [found] = protocols.answers([sequence], card, wrong, H36M, "overlapped", flip=False)
    assert windows == len(cut_windows(100, 50.0, 10, 17.0, 0.2).index)
    one = np.median(np.diff(sequence.normalised()[:, 0, 0]))
    assert np.median(steps) == pytest.approx(3 * one, rel=0.05), "every third frame"
    assert len(found.joints) == 100
    assert np.abs(found.joints[:, 0]).max() == 0
    assert np.linalg.norm(found.joints[:, 13] - truth[:, 13], axis=-1).mean() < 0.04, "fitted"


def recording(action: str, joints: np.ndarray, valid: np.ndarray) -> Sequence:
    """A sequence for which only its action, its truth and what counts matter."""
    xy = np.zeros((*joints.shape[:2], 2), np.float32)
    return Sequence("S9", action, "1", xy, joints, (1000, 1000), 50.0, valid)


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


def test_published_windows_count_borders_and_padding():
    """The authors' code differentiates across windows, and counts the padding of short takes."""
    rise = np.linspace(0, 0.6, 7)[:, None, None] * np.ones((1, 17, 1)) * [1, 0, 0]
    sequence = recording("Walking", rise, np.ones(7, bool))
    card = ModelCard("still", 3, 50.0, 2, "picture")

    def still(windows):
        return np.zeros((*windows.shape[:3], 3))

    [found] = protocols.answers([sequence], card, still, H36M, "published", flip=False)
    assert np.allclose(found.target[:, 0, 0], [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.4, 0.5, 0.6])
    score = protocols.score_answers([found]).mean
    assert score.frames == 9
    assert score.mpjpe == pytest.approx(1000 * np.mean(found.target[:, 0, 0]))
    assert score.mpjve == pytest.approx(100), "the way back at the last border counts, too"
    longer = ModelCard("still", 9, 50.0, 2, "picture")
    [found] = protocols.answers([sequence], longer, still, H36M, "published", flip=False)
    assert np.allclose(found.target[7:, 0, 0], 0.6)
    [found] = protocols.answers([sequence], card, still, H36M, "overlapped", flip=False)
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

    [alone] = protocols.answers([sequence], card, leaning, H36M, flip=False)
    [both] = protocols.answers([sequence], card, leaning, H36M, flip=True)
    assert np.allclose(alone.joints[..., 0], 0.1)
    assert np.allclose(both.joints[..., 0], 0)
    for name in ("left_wrist", "right_wrist"):
        assert np.allclose(both.joints[:, H36M.names.index(name), 1], 0.1)


SMALL = """
epochs = 1
batch_frames = 10
optimizer = "adamw"
lr = 1e-3
dataset = "{}"
average = 0.0
[network]
frames = 5
width = 16
depth = 1
heads = 4
dropout = 0.1
drop_path = 0.1
[loss]
joints = "reference"
velocity = 2.0
consistency = 0.5
times_itself = true
"""


@pytest.mark.parametrize(
    ("name", "joints", "rate", "steps"),
    [("humaneva", 15, 60, 54), ("h36m", 17, 50, 72), ("3dhp", 17, 25, 6)],
)
def test_data_sets_train_and_evaluate_from_the_shell(
    request, tmp_path, capsys, name, joints, rate, steps
):
    data = tmp_path / "data"
    if name == "h36m":
        data = request.getfixturevalue("h36m_folder")
    else:
        data.mkdir()
        (humaneva_files if name == "humaneva" else mpi_files)(data)
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(SMALL.format("humaneva"))
    runs = tmp_path / "runs"
    words = ["train", str(recipe), "--data", str(data), "--out", str(runs)]
    assert main([*words, "--dataset", name, "--keypoints", "gt"]) == 0
    run = runs / f"tiny-{name}-gt"
    model, card = str(run / f"{run.name}.onnx"), read_card(run / f"{run.name}.json")
    assert (card.joints, card.rate, card.data) == (joints, rate, (f"{name} with the keypoints gt",))
    said = f"train tiny --dataset {name} --keypoints gt --frames 5 ({steps} steps)"
    assert card.command == f"lift-to-3d {said}", "each window once, and mirrored"
    assert json.loads(load_checkpoint(run)["recipe"])["keypoints"] == "gt"
    assert main(["export-onnx", str(run), "--out", str(tmp_path / "again")]) == 0
    assert read_card(tmp_path / "again" / f"{run.name}.json") == card
    capsys.readouterr()
    words = ["evaluate", "--dataset", name, "--data", str(data), "--keypoints", "gt"]
    words += ["--model", model, "--json"]
    assert main(words) == 0
    lines = [json.loads(x) for x in capsys.readouterr().out.splitlines()]
    assert [x["test"].partition(", ")[2] for x in lines] == [
        "published windows, flip on", "overlapped windows, flip on",
        "published windows, flip off", "overlapped windows, flip off",
    ]  # fmt: skip
    assert all(x["mean"]["mpjpe"] > 0 for x in lines)
    figures = tmp_path / "figures"
    words += ["--windows", "overlapped", "--no-mirror", "--figures", str(figures)]
    assert main(words) == 0
    names = ("distribution.png", "joints.png", "poses.png", "attention.png")
    folder = figures / f"{name}_gt_overlapped_windows_flip_off"
    assert set(figures.rglob("*.png")) == {folder / png for png in names}
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in folder.iterdir())


def test_a_model_of_other_joints_is_refused(tmp_path, h36m_folder, capsys):
    humaneva_files(tmp_path)
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(SMALL.format("humaneva"))
    assert main(["train", str(recipe), "--data", str(tmp_path), "--out", str(tmp_path)]) == 0
    model = str(tmp_path / "tiny" / "tiny.onnx")
    words = ["evaluate", "--dataset", "h36m", "--data", str(h36m_folder), "--model", model]
    assert main(words) == 2
    assert "15 joints" in capsys.readouterr().err


def test_single_frames_of_a_data_set_are_trained_on_and_measured(tmp_path, capsys):
    mpi_files(tmp_path)
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(SMALL.format("3dhp"))
    words = ["train", str(recipe), "--data", str(tmp_path), "--frames", "1"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    model = str(tmp_path / "tiny-T1" / "tiny-T1.onnx")
    words = ["evaluate", "--dataset", "3dhp", "--data", str(tmp_path), "--model", model]
    assert main([*words, "--json"]) == 0
    for line in capsys.readouterr().out.splitlines():
        assert 0 < json.loads(line)["mean"]["mpjpe"] < 10_000


def test_a_network_that_does_not_fit_a_data_set_is_refused(tmp_path, capsys):
    humaneva_files(tmp_path)
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(SMALL.format("humaneva").replace("depth = 1", "depth = 1\nin_channels = 3"))
    assert main(["train", str(recipe), "--data", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "15 joints of 3 numbers, but humaneva gives 15 of 2;" in capsys.readouterr().err
    assert not (tmp_path / "tiny").exists()


def test_most_windows_say_at_what_rate_a_model_was_trained(tmp_path):
    still = np.zeros((10, 17, 3), np.float32)
    valid = np.ones(10, bool)
    slow, fast = (replace(recording("a", still, valid), fps=fps) for fps in (25.0, 50.0))
    for sequences, rate in (([slow, fast, fast], 50), ([slow, slow, fast], 25), ([slow, fast], 25)):
        assert DatasetWindows(sequences, 5, H36M, torch.device("cpu")).rate == rate


def test_pickles_of_other_protocols_are_read(tmp_path):
    """numpy writes protocol 4; older ones wrote 3 and 2."""
    truth = {"TS1": {"data_2d": person(17)[..., :2], "data_3d": person(17), "valid": np.ones(12)}}
    for protocol in (2, 3, 4):
        buffer = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            buffer, {"descr": "|O", "fortran_order": False, "shape": ()}
        )
        pickle.dump(np.array(truth, dtype=object), buffer, protocol)
        with zipfile.ZipFile(tmp_path / "data_test_3dhp.npz", "w") as archive:
            archive.writestr("data.npy", buffer.getvalue())
        [found] = open_dataset("3dhp", tmp_path, "gt", "test")
        assert len(found.xy) == 12
