"""Research data sets: files of the exact format, cameras to the pixel, protocols, 15 joints."""

import io
import json
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="tests of training need torch")
torch.set_num_threads(1)
from lift_to_3d.cli import main  # noqa: E402
from lift_to_3d.core.errors import LiftError, MotionError  # noqa: E402
from lift_to_3d.core.mixste.model import read_card  # noqa: E402
from lift_to_3d.core.skeleton import COCO, H36M  # noqa: E402
from lift_to_3d.core.training.dataset_batches import DatasetWindows, window_index  # noqa: E402
from lift_to_3d.core.training.datasets import h36m, humaneva, open_dataset  # noqa: E402
from lift_to_3d.core.training.loop import load_checkpoint  # noqa: E402

from .dataset_files import (  # noqa: E402
    COCO_SIDES,
    FRAMES,
    H36M_SIDES,
    HUMANEVA_CAMERAS,
    HUMANEVA_LENS,
    MPI_JOINTS,
    MPI_LENSES,
    h36m_files,
    humaneva_files,
    mpi_files,
    person,
    pinhole,
    recording,
    save_nested,
    seen_from,
)


@pytest.fixture
def h36m_folder(tmp_path):
    return h36m_files(tmp_path)


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


OURS_OF_MPI = {
    "pelvis": "root", "spine": "spine", "thorax": "neck", "neck_nose": "head", "head": "head_top",
}  # fmt: skip


def test_mpi_inf_3dhp_is_put_in_our_order_and_seen_to_the_pixel(tmp_path):
    truth = mpi_files(tmp_path)
    train, test = (open_dataset("3dhp", tmp_path, "gt", split) for split in ("train", "test"))
    assert [(s.subject, s.action, s.camera) for s in train] == [
        ("S1", "Seq1", "0"),
        ("S1", "Seq1", "8"),
    ]
    assert [(s.subject, s.size) for s in test] == [("TS1", (2048, 2048)), ("TS5", (1920, 1080))]
    assert [s.valid.sum() for s in test] == [FRAMES // 2] * 2
    at = [MPI_JOINTS.index(OURS_OF_MPI.get(name, name)) for name in H36M.names]
    for sequence in train + test:
        name = sequence.camera or sequence.subject
        expected = truth[name][:, at] / 1000
        assert np.abs(sequence.joints - (expected - expected[:, :1])).max() < 1e-5
        seen = pinhole(sequence.joints + expected[:, :1], MPI_LENSES[name])
        assert np.abs(seen - sequence.xy).max() < 2e-3


@pytest.mark.parametrize("fps", [50, np.array([[50]]), np.array([50.0]), np.float64(50)])
def test_mpi_inf_3dhps_rate_may_be_an_array(tmp_path, fps):
    mpi_files(tmp_path, fps)
    assert [s.fps for s in open_dataset("3dhp", tmp_path, "gt", "train")] == [50.0, 50.0]


@pytest.mark.parametrize("fps", [0, "fast", None, [25, 50], np.array([])])
def test_a_rate_that_is_none_is_said(tmp_path, fps):
    mpi_files(tmp_path, fps)
    with pytest.raises(MotionError, match=r"data_train_3dhp.npz: S1 Seq1: its frame rate"):
        open_dataset("3dhp", tmp_path, "gt", "train")


def test_humaneva_is_read_and_seen_to_the_pixel(tmp_path):
    humaneva_files(tmp_path)
    found = open_dataset("humaneva", tmp_path, "gt", "test")
    cells = {"Walking S1", "Jog S1", "Walking S2", "Jog S2"}
    assert {s.action for s in found} == cells, "the paper's table"
    assert len(found) == len(cells) * 3
    assert len(open_dataset("humaneva", tmp_path, "gt", "train")) == 2 * 3 * 3, "with Box"
    world = np.load(tmp_path / "data_3d_humaneva15.npz", allow_pickle=True)["positions_3d"].item()
    for sequence in found:
        action = f"{sequence.action.split(' ')[0]} 1 chunk0"
        camera = HUMANEVA_CAMERAS[sequence.subject][int(sequence.camera[1]) - 1]
        pelvis = seen_from(world[f"Validate/{sequence.subject}"][action][:, :1], *camera)
        assert (sequence.joints.shape, sequence.size) == ((FRAMES, 15, 3), (640, 480))
        assert np.abs(sequence.joints[:, 0]).max() == 0
        seen = pinhole(sequence.joints + pelvis, HUMANEVA_LENS)
        assert np.abs(seen - sequence.xy).max() < 2e-3
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


def changed(path, change):
    """Write keypoints again with every action's list of cameras changed."""
    with np.load(path, allow_pickle=True) as file:
        arrays = {name: file[name].item() for name in file.files}
    seen = arrays.pop("positions_2d")
    seen = {s: {a: change(views) for a, views in actions.items()} for s, actions in seen.items()}
    save_nested(path, positions_2d=seen, **arrays)


def with_confidence(views):
    return [np.concatenate([v, np.full_like(v[..., :1], np.nan)], -1) for v in views]


@pytest.mark.parametrize(
    "change", [np.stack, with_confidence, lambda views: np.stack(with_confidence(views)), tuple]
)
@pytest.mark.parametrize(
    ("name", "files", "path"),
    [
        ("h36m", h36m_files, "data_2d_h36m_gt.npz"),
        ("humaneva", humaneva_files, "data_2d_humaneva15_gt.npz"),
    ],
)
def test_cameras_may_be_stacked_and_keypoints_have_confidence(tmp_path, change, name, files, path):
    files(tmp_path)
    before = open_dataset(name, tmp_path, "gt", "test")
    changed(tmp_path / path, change)
    after = open_dataset(name, tmp_path, "gt", "test")
    assert [s.camera for s in after] == [s.camera for s in before]
    assert all(np.array_equal(a.xy, b.xy) for a, b in zip(after, before, strict=True))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda views: views[:3], "is missing, or is not of 4 cameras"),
        (lambda views: np.float32(1), "is missing, or is not of 4 cameras"),
        (lambda views: [v[:5] for v in views], "has fewer frames than the 14 in 3D"),
        (lambda views: [*views[:3], None], "camera 4: expected an array of numbers"),
        (lambda views: [v[:, :12] for v in views], "camera 1: expected frames x 17 x 2"),
    ],
)
def test_cameras_that_cannot_be_right_are_refused(h36m_folder, change, words):
    changed(h36m_folder / "data_2d_h36m_gt.npz", change)
    with pytest.raises(MotionError, match=words):
        open_dataset("h36m", h36m_folder, "gt", "test")


@pytest.mark.parametrize("keypoints", ["hr", "gt16"])
def test_sixteen_joints_are_human36ms_without_neck_nose(h36m_folder, keypoints):
    whole = open_dataset("h36m", h36m_folder, "gt", "test")
    found = open_dataset("h36m", h36m_folder, keypoints, "test")
    assert len(found) == len(whole)
    kept = [H36M.names.index(name) for name in h36m.SIXTEEN.names]
    for some, every in zip(found, whole, strict=True):
        assert np.array_equal(some.joints, every.joints[:, kept])
        assert np.array_equal(some.xy, every.xy[:, kept])
        assert some.skeleton is h36m.SIXTEEN
        assert not some.coco
    bones = [tuple(H36M.names.index(h36m.SIXTEEN.names[j]) for j in b) for b in h36m.SIXTEEN.bones]
    assert set(bones) - set(H36M.bones) == {(8, 10)}, "the head hangs on the thorax"
    for left, right in zip(h36m.SIXTEEN.left, h36m.SIXTEEN.right, strict=True):
        names = h36m.SIXTEEN.names[left], h36m.SIXTEEN.names[right]
        assert names == (names[0], names[0].replace("left", "right"))
        assert names[0].startswith("left")


def test_cocos_keypoints_are_known_by_their_symmetry(h36m_folder):
    plain = open_dataset("h36m", h36m_folder, "gt", "train")
    found = open_dataset("h36m", h36m_folder, "detectron_pt_coco", "train")
    for some, other in zip(found, plain, strict=True):
        assert some.coco
        assert some.skeleton is H36M
        assert np.array_equal(some.joints, other.joints)
        for name in set(COCO) & set(H36M.names):
            seen = other.xy[:, H36M.names.index(name)]
            assert np.array_equal(some.xy[:, COCO.index(name)], seen)


METADATA = r"gt\.npz: does not say which keypoints are left"


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        (None, METADATA),
        ({}, METADATA),
        ({"num_joints": 17}, METADATA),
        ({"num_joints": "many", "keypoints_symmetry": H36M_SIDES}, METADATA),
        ({"num_joints": 17, "keypoints_symmetry": [[4, 5], [1]]}, METADATA),
        ({"num_joints": 17, "keypoints_symmetry": [[4, 50], [1, 2]]}, METADATA),
        ({"num_joints": 17, "keypoints_symmetry": 3}, METADATA),
        ({"num_joints": 10**12, "keypoints_symmetry": H36M_SIDES}, "not Human3.6M's 17 joints"),
        ({"num_joints": 17, "keypoints_symmetry": [[4, 5], [1, 2]]}, "its 17 keypoints are not"),
    ],
)
def test_keypoints_whose_sides_are_not_known_are_refused(h36m_folder, metadata, words):
    path = h36m_folder / "data_2d_h36m_gt.npz"
    seen = np.load(path, allow_pickle=True)["positions_2d"].item()
    save_nested(path, positions_2d=seen, **({} if metadata is None else {"metadata": metadata}))
    with pytest.raises(LiftError, match=words):
        open_dataset("h36m", h36m_folder, "gt", "test")


def test_keypoints_of_other_layouts_are_refused(h36m_folder, tmp_path):
    with pytest.raises(LiftError, match="its 16 keypoints are not Human3.6M's 17 joints"):
        open_dataset("h36m", h36m_folder, "sh_pt_mpii", "test")
    humaneva_files(tmp_path)
    detectron = {"layout_name": "coco", "num_joints": 17, "keypoints_symmetry": COCO_SIDES}
    path = tmp_path / "data_2d_humaneva15_detectron_pt_coco.npz"
    seen = {"Validate/S1": {"Walking 1 chunk0": [np.zeros((FRAMES, 17, 2), np.float32)] * 3}}
    save_nested(path, positions_2d=seen, metadata=detectron)
    with pytest.raises(LiftError, match="its 17 keypoints are not HumanEva's 15 joints"):
        open_dataset("humaneva", tmp_path, "detectron_pt_coco", "test")


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
    windows = DatasetWindows(sequences, 5, torch.device("cpu"))
    batch = windows.draw(200, torch.Generator().manual_seed(0))
    plain = (batch.targets[:, None] - windows.targets[None]).abs().amax((2, 3, 4)).amin(1) < 1e-6
    assert 70 < int(plain.sum()) < 130
    left, right = list(H36M.left), list(H36M.right)
    one = batch.targets[~plain][0]
    swapped = one.clone()
    swapped[:, left + right] = one[:, right + left]
    swapped[..., 0] *= -1
    assert float((swapped - windows.targets).abs().amax((1, 2, 3)).min()) < 1e-6


def test_cocos_keypoints_are_mirrored_by_their_own_sides(h36m_folder):
    """In training: the mirror image of a right wrist is a left one, in 2D as in 3D."""
    sequences = open_dataset("h36m", h36m_folder, "detectron_pt_coco", "train")
    windows = DatasetWindows(sequences, 5, torch.device("cpu"))
    batch = windows.draw(100, torch.Generator().manual_seed(0))
    mirrored = 0
    for seen, joints in zip(batch.inputs, batch.targets, strict=True):
        same = (windows.targets - joints).abs().amax((1, 2, 3)) < 1e-6
        if same.any():
            assert (seen == windows.inputs[same][0]).all()
            continue
        mirrored += 1
        swapped = [H36M.names.index(other_side(name)) for name in H36M.names]
        back = joints[:, swapped] * torch.tensor([-1.0, 1, 1])
        [was] = (windows.targets - back).abs().amax((1, 2, 3)).lt(1e-6).nonzero()[0]
        for name in COCO:
            before = windows.inputs[was, :, COCO.index(other_side(name))]
            after = seen[:, COCO.index(name)]
            assert (after == before * torch.tensor([-1.0, 1])).all(), name
    assert 30 < mirrored < 70


def other_side(name: str) -> str:
    side, _, part = name.partition("_")
    return {"left": f"right_{part}", "right": f"left_{part}"}.get(side, name)


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


FILES = {"humaneva": humaneva_files, "h36m": h36m_files, "3dhp": mpi_files}


@pytest.mark.parametrize(
    ("name", "keypoints", "joints", "rate", "steps"),
    [
        ("humaneva", "gt", 15, 60, 54),
        ("h36m", "gt", 17, 50, 72),
        ("h36m", "hr", 16, 50, 72),
        ("h36m", "detectron_pt_coco", 17, 50, 72),
        ("3dhp", "gt", 17, 25, 6),
    ],
)
def test_data_sets_train_and_evaluate_from_the_shell(
    tmp_path, capsys, name, keypoints, joints, rate, steps
):
    data = tmp_path / "data"
    data.mkdir()
    FILES[name](data)
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(SMALL.format("humaneva"))
    runs = tmp_path / "runs"
    words = ["train", str(recipe), "--data", str(data), "--out", str(runs)]
    assert main([*words, "--dataset", name, "--keypoints", keypoints]) == 0
    run = runs / f"tiny-{name}-{keypoints}"
    model, card = str(run / f"{run.name}.onnx"), read_card(run / f"{run.name}.json")
    assert (card.joints, card.rate) == (joints, rate)
    assert card.data == (f"{name} with the keypoints {keypoints}",)
    assert card.input == ("coco" if "coco" in keypoints else "picture")
    said = f"train tiny --dataset {name} --keypoints {keypoints} --frames 5 ({steps} steps)"
    assert card.command == f"lift-to-3d {said}", "each window once, and mirrored"
    assert json.loads(load_checkpoint(run)["recipe"])["keypoints"] == keypoints
    assert main(["export-onnx", str(run), "--out", str(tmp_path / "again")]) == 0
    assert read_card(tmp_path / "again" / f"{run.name}.json") == card
    capsys.readouterr()
    words = ["evaluate", "--dataset", name, "--data", str(data), "--keypoints", keypoints]
    words += ["--model", model, "--json"]
    assert main(words) == 0
    lines = [json.loads(x) for x in capsys.readouterr().out.splitlines()]
    assert [x["test"].partition(", ")[2] for x in lines] == [
        "published windows, mirror image on", "overlapped windows, mirror image on",
        "published windows, mirror image off", "overlapped windows, mirror image off",
    ]  # fmt: skip
    assert all(x["mean"]["mpjpe"] > 0 for x in lines)
    figures = tmp_path / "figures"
    words += ["--windows", "overlapped", "--no-mirror", "--figures", str(figures)]
    assert main(words) == 0
    names = ("distribution.png", "joints.png", "poses.png", "attention.png")
    folder = figures / f"{name}_{keypoints}_overlapped_windows_mirror_image_off"
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
    assert "15 joints, but h36m with cpn_ft_h36m_dbb has 17" in capsys.readouterr().err


def test_a_recipe_of_other_joints_is_refused(tmp_path, h36m_folder, capsys):
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(SMALL.format("h36m"))
    words = ["train", str(recipe), "--data", str(h36m_folder), "--out", str(tmp_path / "runs")]
    assert main([*words, "--keypoints", "gt16"]) == 2
    said = "takes 17 joints of 2 numbers, but h36m with gt16 gives 16 of 2; write joints = 16"
    assert said in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
    recipe.write_text(SMALL.format("h36m").replace("[network]", "[network]\njoints = 16"))
    assert main([*words, "--keypoints", "gt16"]) == 0


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
    assert "15 joints of 3 numbers, but humaneva with gt gives 15 of 2;" in capsys.readouterr().err
    assert not (tmp_path / "tiny").exists()


def test_most_windows_say_at_what_rate_a_model_was_trained(tmp_path):
    still = np.zeros((10, 17, 3), np.float32)
    valid = np.ones(10, bool)
    slow, fast = (replace(recording("a", still, valid), fps=fps) for fps in (25.0, 50.0))
    for sequences, rate in (([slow, fast, fast], 50), ([slow, slow, fast], 25), ([slow, fast], 25)):
        assert DatasetWindows(sequences, 5, torch.device("cpu")).rate == rate


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
