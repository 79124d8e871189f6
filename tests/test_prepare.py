"""Motion capture to training sets: BVH of the common skeletons, ASF/AMC, and the command."""

import json
import lzma
from io import BytesIO

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from .captured import BODY, Z_UP, expected, names_of, off, posed, wriggle, write_bvh

torch = pytest.importorskip("torch", reason="tests of training need torch")
torch.set_num_threads(1)

from lift_to_3d.cli import main  # noqa: E402
from lift_to_3d.core.errors import MotionError  # noqa: E402
from lift_to_3d.core.mixste.model import read_card  # noqa: E402
from lift_to_3d.core.skeleton import H36M  # noqa: E402
from lift_to_3d.core.training.capture import load_takes  # noqa: E402
from lift_to_3d.core.training.metrics import aligned, mpjpe  # noqa: E402
from lift_to_3d.core.training.mocap.prepare import prepare  # noqa: E402


@pytest.mark.parametrize(
    ("preset", "unit", "said"),
    [
        ("cmu-bvh", 0.0254 / 0.45, "unit CMU"),
        ("mixamo", 0.01, "unit cm"),
        ("joint-bvh", 0.0254, "unit inch"),
        ("poser", 0.01, "unit cm"),
        ("smpl", 1.0, "unit m"),
        ("daz-g8", 0.01, "unit cm"),
        ("unreal", 0.001, "unit mm"),
    ],
)
def test_bvh_of_common_skeletons(tmp_path, preset, unit, said):
    angles, way = wriggle(241, 120.0)
    names = names_of(preset)
    if preset == "mixamo":
        names = {part: f"mixamorig:{name}" for part, name in names.items()}
    write_bvh(tmp_path / "anna_01.bvh", names, angles, way, 120.0, unit)
    [found] = prepare(tmp_path)
    [take] = found.takes
    assert said in found.words
    assert (take.name, take.subject, take.fps) == ("anna_01", "anna", 50.0)
    wanted = expected(*posed(angles, way))
    # 120 and 50 frames a second meet ten times a second; between them lines are straight.
    assert len(take.joints) == 101
    assert off(take.joints[::5], wanted[::12]) < 1e-3
    spine, nose = take.joints[:, 7], take.joints[:, 9]
    assert (take.joints[:, 0, 2] < spine[:, 2]).all()
    assert (spine[:, 2] < take.joints[:, 8, 2]).all()
    ahead = nose - (take.joints[:, 8] + take.joints[:, 10]) / 2
    assert np.allclose(np.linalg.norm(ahead, axis=-1), 0.105, atol=0.005)
    assert (ahead[:, 1] < 0).all(), "who faces +Z in a file with Y up faces -Y here"


def test_bvh_with_names_that_nobody_knows_is_told_by_its_shape(tmp_path):
    angles, way = wriggle(100, 50.0)
    names = {part: f"bone{number}" for number, part in enumerate(BODY)}
    write_bvh(tmp_path / "a.bvh", names, angles, way, 50.0)
    [found] = prepare(tmp_path)
    assert "structure bones" in found.words
    assert off(found.takes[0].joints, expected(*posed(angles, way))) < 1e-3


@pytest.mark.parametrize("order", ["ZXY", "XYZ", "YZX"])
def test_bvh_of_other_axes_and_orders(tmp_path, order):
    """Z up, as Blender and 3ds Max write it; and rotation channels in any order."""
    angles, way = wriggle(100, 50.0)
    write_bvh(tmp_path / "a.bvh", names_of("mixamo"), angles, way, 50.0, 1.0, Z_UP, order)
    [found] = prepare(tmp_path)
    assert off(found.takes[0].joints, expected(*posed(angles, way))) < 1e-3


def test_who_is_far_away_is_brought_near(tmp_path):
    """Packed files reach 32 m; games put their people anywhere."""
    angles, way = wriggle(100, 50.0)
    write_bvh(tmp_path / "a.bvh", names_of("mixamo"), angles, way + [500, 80, -300], 50.0)
    [found] = prepare(tmp_path)
    assert off(found.takes[0].joints, expected(*posed(angles, way))) < 1e-3


def test_given_scale_and_strange_units(tmp_path):
    angles, way = wriggle(100, 50.0)
    write_bvh(tmp_path / "a.bvh", names_of("mixamo"), angles, way, 50.0, 0.2)
    [guessed] = prepare(tmp_path)
    assert "unit size" in guessed.words, "no unit fits; somebody of usual size is assumed"
    leg = guessed.takes[0].joints[:, 1] - guessed.takes[0].joints[:, 2]
    assert np.linalg.norm(leg, axis=-1).mean() == pytest.approx(0.43, abs=0.02)
    [given] = prepare(tmp_path, scale=0.2)
    assert "unit given" in given.words
    assert off(given.takes[0].joints, expected(*posed(angles, way))) < 1e-3


def test_takes_are_cut_at_glitches_and_short_parts_left_out(tmp_path):
    angles, way = wriggle(300, 50.0)
    way[100:150] += [0, -2.0, 3.0]  # a part of one second, then back
    write_bvh(tmp_path / "a.bvh", names_of("mixamo"), angles, way, 50.0)
    [found] = prepare(tmp_path)
    assert [(t.name, len(t.joints)) for t in found.takes] == [("a.1", 100), ("a.2", 150)]
    for take in found.takes:
        assert take.joints[:, [3, 6], 2].min() == pytest.approx(0.08), "on the floor"


ASF_BONES = {
    "lhipjoint": ("root", (0.09, -0.02, 0.0), ""),
    "lfemur": ("lhipjoint", (0, -0.43, 0.01), "rx ry rz"),
    "ltibia": ("lfemur", (0, -0.42, -0.03), "rx"),
    "lfoot": ("ltibia", (0, -0.06, 0.14), "rx rz"),
    "ltoes": ("lfoot", (0, 0, 0.05), "rx"),
    "rhipjoint": ("root", (-0.09, -0.02, 0.0), ""),
    "rfemur": ("rhipjoint", (0, -0.43, 0.01), "rx ry rz"),
    "rtibia": ("rfemur", (0, -0.42, -0.03), "rx"),
    "rfoot": ("rtibia", (0, -0.06, 0.14), "rx rz"),
    "rtoes": ("rfoot", (0, 0, 0.05), "rx"),
    "lowerback": ("root", (0, 0.1, 0), "rx ry rz"),
    "upperback": ("lowerback", (0, 0.17, 0), "rx ry rz"),
    "thorax": ("upperback", (0, 0.17, 0), "rx ry rz"),
    "lowerneck": ("thorax", (0, 0.06, 0), "rx ry rz"),
    "upperneck": ("lowerneck", (0, 0.06, 0.01), "rx ry rz"),
    "head": ("upperneck", (0, 0.19, 0), "rx ry rz"),
    "lclavicle": ("thorax", (0.17, -0.01, 0), "ry rz"),
    "lhumerus": ("lclavicle", (0.28, 0, 0), "rx ry rz"),
    "lradius": ("lhumerus", (0.18, 0, 0), "rx"),
    "lwrist": ("lradius", (0.1, 0, 0), "ry"),
    "lhand": ("lwrist", (0.06, 0, 0), "rx rz"),
    "rclavicle": ("thorax", (-0.17, -0.01, 0), "ry rz"),
    "rhumerus": ("rclavicle", (-0.28, 0, 0), "rx ry rz"),
    "rradius": ("rhumerus", (-0.18, 0, 0), "rx"),
    "rwrist": ("rradius", (-0.1, 0, 0), "ry"),
    "rhand": ("rwrist", (-0.06, 0, 0), "rx rz"),
}
"""CMU's skeleton: every bone's parent, its vector in metres, and how it may turn."""
CMU = 0.0254 / 0.45


def write_acclaim(
    folder, frames: int, fps: float = 120, asf_unit: str = "deg", amc_says: str = ":DEGREES"
) -> dict[str, np.ndarray]:
    """``07.asf`` and ``07_01.amc``; gives (frames, 3) metres where every bone ends."""
    in_asf = 1.0 if asf_unit == "deg" else np.pi / 180
    in_amc = {":DEGREES": 1.0, ":RADIANS": np.pi / 180}.get(amc_says, in_asf)
    random = np.random.default_rng(0)
    axes = {bone: random.uniform(-40, 40, 3) for bone in ASF_BONES}
    in_words = {bone: " ".join(f"{a * in_asf:.8f}" for a in axes[bone]) for bone in ASF_BONES}
    asf = [":version 1.10", ":name test", ":units", "  mass 1.0", "  length 0.45",
           f"  angle {asf_unit}", ":documentation", "   made by a test", ":root",
           "   order TX TY TZ RX RY RZ",
           "   axis XYZ", "   position 0 0 0", "   orientation 0 0 0", ":bonedata"]  # fmt: skip
    for number, (bone, (_, vector, freedoms)) in enumerate(ASF_BONES.items(), 1):
        length = np.linalg.norm(vector)
        asf += ["  begin", f"     id {number}", f"     name {bone}",
                "     direction " + " ".join(f"{v / length:.9f}" for v in vector),
                f"     length {length / CMU:.9f}",
                "     axis " + in_words[bone] + "  XYZ"]  # fmt: skip
        if freedoms:
            limits = ["(-180.0 180.0)"] * len(freedoms.split())
            asf += [f"    dof {freedoms}", f"    limits {limits[0]}", *limits[1:]]
        asf += ["  end"]
    asf += [":hierarchy", "  begin", "    root lhipjoint rhipjoint lowerback"]
    for bone in ASF_BONES:
        children = [name for name, (parent, _, _) in ASF_BONES.items() if parent == bone]
        asf += [f"    {bone} {' '.join(children)}"] if children else []
    (folder / "07.asf").write_text("\n".join([*asf, "  end"]) + "\n")

    time = np.arange(frames)[:, None] / fps

    def swing(count):
        return 18 * np.sin(time * random.uniform(0.5, 2, count) + random.uniform(0, 6, count))

    moved = np.concatenate([0.2 * time, 0.95 + 0 * time, 0.5 * time], 1)
    root = swing(3)
    turns = {"root": Rotation.from_euler("xyz", root, degrees=True)}
    ends, written = {"root": moved}, {"root": np.concatenate([moved / CMU, root * in_amc], 1)}
    for bone, (parent, vector, freedoms) in ASF_BONES.items():
        words = freedoms.split()
        values = swing(len(words))
        euler = np.zeros((frames, 3))
        for place, word in enumerate(words):
            euler[:, "xyz".index(word[1])] = values[:, place]
        frame = Rotation.from_euler("xyz", axes[bone], degrees=True)
        turn = frame * Rotation.from_euler("xyz", euler, degrees=True) * frame.inv()
        turns[bone] = turns[parent] * turn
        ends[bone] = ends[parent] + turns[bone].apply(vector)
        if words:
            written[bone] = values * in_amc
    amc = ["#!OML:ASF", ":FULLY-SPECIFIED", amc_says]
    for t in range(frames):
        rows = (f"{bone} {' '.join(f'{v:.8f}' for v in row[t])}" for bone, row in written.items())
        amc += [str(t + 1), *rows]
    (folder / "07_01.amc").write_text("\n".join(amc) + "\n")
    return ends


@pytest.mark.parametrize(
    ("asf_unit", "amc_says", "fps"),
    [
        ("deg", ":DEGREES", 120),
        ("deg", ":RADIANS", 60),
        ("rad", ":DEGREES", 120),
        ("rad", ":radians", 60),
        ("rad", "", 120),
        ("deg", "", 120),
    ],
)
def test_asf_and_amc(tmp_path, asf_unit, amc_says, fps):
    ends = write_acclaim(tmp_path, 2 * fps + 1, fps, asf_unit, amc_says)
    [found] = prepare(tmp_path, fps=fps)
    assert found.words.endswith(f"cmu-asf bones, unit CMU, {fps} frames a second assumed")
    made = {
        "left_hip": ends["lhipjoint"], "left_knee": ends["lfemur"], "left_ankle": ends["ltibia"],
        "right_hip": ends["rhipjoint"], "right_knee": ends["rfemur"],
        "right_ankle": ends["rtibia"], "left_shoulder": ends["lclavicle"],
        "left_elbow": ends["lhumerus"], "right_shoulder": ends["rclavicle"],
        "right_elbow": ends["rhumerus"], "thorax": ends["thorax"], "head": ends["head"],
        "left_wrist": ends["lradius"] + 0.7 * (ends["lwrist"] - ends["lradius"]),
        "right_wrist": ends["rradius"] + 0.7 * (ends["rwrist"] - ends["rradius"]),
    }  # fmt: skip
    made["pelvis"] = (made["left_hip"] + made["right_hip"]) / 2
    nothing = np.full_like(made["pelvis"], np.nan)
    joints = np.stack([made.get(name, nothing) for name in H36M.names], 1) @ Z_UP.T
    joints[..., 2] += 0.08 - joints[:, [3, 6], 2].min()
    [take] = found.takes
    assert take.subject == "07"
    assert len(take.joints) == 101
    assert off(take.joints[::5], joints[:: fps // 10]) < 1e-3


def test_capture_that_is_not_read_is_said(tmp_path):
    write_bvh(tmp_path / "walk.bvh", names_of("mixamo"), *wriggle(100, 50.0), 50.0)
    for name in ("gait.c3d", "gait.trc", "stage.mvnx", "notes.txt", "cube.glb"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "run.glb").write_bytes(b'glTF {"asset": {}, "animations": [{}]}')
    np.savez(tmp_path / "amass.npz", poses=np.zeros((9, 156)), trans=np.zeros((9, 3)))
    np.savez(tmp_path / "other.npz", joints=np.zeros((9, 17, 3)))
    (tmp_path / "torn.npz").write_bytes(b"PK")
    found = {one.path.name: one for one in prepare(tmp_path)}
    said = {name: one.words for name, one in found.items() if not one.takes}
    assert found["walk.bvh"].takes
    assert said.keys() == {"gait.c3d", "gait.trc", "stage.mvnx", "run.glb", "amass.npz"}
    assert all(words.startswith(str(tmp_path / name)) for name, words in said.items())
    assert "markers, not joints" in said["gait.c3d"]
    assert "body model" in said["amass.npz"]


def test_takes_of_cmu_are_those_of_another_preparation(shared):
    """BVH here, the database's ASF/AMC through another program there: the same joints."""
    others = {}
    for name in ("train", "test_public"):
        for take in load_takes(shared / "mocap" / f"{name}.npz.xz"):
            others[take.name] = take.joints
    for found in prepare(shared / "mocap" / "bvh_public"):
        [take] = found.takes
        other = others["_".join(take.name.split("_")[:2])]
        count = min(len(other), len(take.joints)) - 1
        starts = (take.joints[start : start + count] for start in (0, 1))
        error = min(mpjpe(aligned(joints, other[:count]), other[:count]) for joints in starts)
        assert error < 5, f"{take.name}: mm"


def test_command_writes_splits_that_train_takes(tmp_path, capsys):
    folder = tmp_path / "capture"
    for subject in ("anna", "ben"):
        (folder / subject).mkdir(parents=True)
        angles, way = wriggle(100, 50.0, seed=len(subject))
        names = names_of("mixamo")
        write_bvh(folder / subject / "walk.bvh", names, angles, way, 50.0)
    (folder / "anna" / "broken.bvh").write_text("HIERARCHY\nROOT hips\n{\n")
    (folder / "anna" / "alone.amc").write_text(":FULLY-SPECIFIED\n1\nroot 0 0 0 0 0 0\n")
    (folder / "notes.txt").write_text("not capture")
    sets = tmp_path / "sets"
    words = ["prepare", str(folder), "--out", str(sets), "--hold-out", "ben"]
    words += ["--source", "our own", "--licence", "CC0-1.0"]
    assert main(words) == 0, "a set was written; two files were left out, and named"
    printed = capsys.readouterr().out
    assert "left out: " + str(folder / "anna" / "broken.bvh") in printed
    assert "put its skeleton, alone.asf, beside it" in printed
    assert [t.subject for t in load_takes(sets / "train.npz.xz")] == ["anna"]
    assert [t.subject for t in load_takes(sets / "held_out.npz.xz")] == ["ben"]
    packed = np.load(BytesIO(lzma.decompress((sets / "train.npz.xz").read_bytes())))
    about = json.loads(packed["meta"].tobytes())
    assert (about["source"], about["licence"], about["fps"]) == ("our own", "CC0-1.0", 50.0)
    assert packed["delta"].dtype == np.int16
    assert packed["delta"].shape == (17, 3, about["takes"][0]["frames"])

    recipe = tmp_path / "tiny.toml"
    recipe.write_text(
        "steps = 2\nbatch = 2\n[data]\n'other.npz.xz' = 1.0\n"
        "[network]\nframes = 5\nwidth = 16\ndepth = 1\nin_channels = 3\nheads = 4\n"
    )
    train = ["train", str(recipe), "--data", str(sets / "train.npz.xz"), "--out", str(tmp_path)]
    assert main(train) == 0
    card = read_card(tmp_path / "tiny" / "tiny.json")
    assert (card.data, card.licence) == (("train.npz.xz: our own",), "CC0-1.0")


@pytest.mark.parametrize(
    ("files", "words", "said"),
    [
        ([], [], "no motion capture in it; files ending in .bvh, .amc, .fbx are read"),
        (["bad.bvh"], [], "nothing in it can be used"),
        (["walk.bvh", "bad.bvh"], ["--hold-out", "bad"], "'bad'"),
        (["walk.bvh", "bad.bvh"], ["--hold-out", "walk"], "nothing is left to train on"),
    ],
)
def test_folders_without_use_are_said(tmp_path, capsys, files, words, said):
    folder = tmp_path / "capture"
    folder.mkdir()
    for name in files:
        if name == "bad.bvh":
            (folder / name).write_text("HIERARCHY")
        else:
            write_bvh(folder / name, names_of("mixamo"), *wriggle(100, 50.0), 50.0)
    assert main(["prepare", str(folder), "--out", str(tmp_path / "sets"), *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.rglob("*.xz"))


def test_people_held_out_add_up(tmp_path, capsys):
    folder, sets = tmp_path / "capture", tmp_path / "sets"
    folder.mkdir()
    for name in ("anna", "ben", "carl"):
        write_bvh(folder / f"{name}_walk.bvh", names_of("mixamo"), *wriggle(100, 50.0), 50.0)
    words = ["prepare", str(folder), "--out", str(sets), "--hold-out", "anna", "--hold-out", "ben"]
    assert main(words) == 0
    assert [t.subject for t in load_takes(sets / "held_out.npz.xz")] == ["anna", "ben"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--hold-out", "carl"], "'carl'"),
        (["--hold-out", "walk"], "nothing is left to train on"),
        (["--out", "afile"], "afile: nothing can be written into it ("),
        (["--out", "afile/x"], "x: nothing can be written into it ("),
        (["--scale", "0"], "--scale: '0' is no number above 0"),
        (["--scale", "-1"], "--scale: '-1' is no number above 0"),
        (["--scale", "nan"], "--scale: 'nan' is no number above 0"),
        (["--fps", "0"], "--fps: '0' is no rate"),
        (["--fps", "-5"], "--fps: '-5' is no rate"),
    ],
)
def test_words_that_cannot_be_are_refused_before_reading(
    tmp_path, monkeypatch, capsys, words, said
):
    write_bvh(tmp_path / "walk.bvh", names_of("mixamo"), *wriggle(100, 50.0), 50.0)
    (tmp_path / "afile").write_text("not a folder")
    monkeypatch.chdir(tmp_path)
    assert main(["prepare", ".", *words]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert not printed.out, "no file was read"
    assert not (tmp_path / "sets").exists()


SNAKE = """HIERARCHY
ROOT a
{ OFFSET 0 0 0 CHANNELS 3 Zrotation Xrotation Yrotation
  JOINT b { OFFSET 0 0 9 CHANNELS 3 Zrotation Xrotation Yrotation End Site { OFFSET 0 0 9 } } }
MOTION
Frames: 1
Frame Time: 0.02
0 0 0 0 0 0
"""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("Frame Time: 0.02", "Frame Time: 0"), "Frame Time"),
        (lambda text: text.replace("Time: 0.02", "Time: 9999"), "frames a second"),
        (lambda text: text[: text.index("Time:")] + "Time: 1\n" + text.splitlines()[-1], "lasts"),
        (lambda text: text[: text.rindex(" ")], "rows of"),
        (lambda _: SNAKE, "cannot be told"),
        (lambda text: text.replace("MOTION", "NOTION"), "no MOTION"),
        (lambda text: text[: text.rindex(" ")] + " nan\n", "finite"),
    ],
)
def test_damaged_bvh_is_said_in_one_sentence(tmp_path, change, said):
    path = tmp_path / "walk.bvh"
    write_bvh(path, names_of("mixamo"), *wriggle(80, 50.0), 50.0)
    path.write_text(change(path.read_text()))
    [found] = prepare(tmp_path)
    assert not found.takes
    assert said in found.words
    assert str(path) in found.words


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(MotionError, match="no motion capture"):
        list(prepare(tmp_path / "nowhere"))
