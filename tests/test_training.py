"""Training data, metrics, recipes and the loop, against known truths."""

import io
import json
import math
import signal
import threading
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

torch = pytest.importorskip("torch", reason="tests of training need torch")
torch.set_num_threads(1)  # networks this small only wait for each other

from lift_to_3d.cli import main  # noqa: E402
from lift_to_3d.core.errors import ModelError, MotionError  # noqa: E402
from lift_to_3d.core.mixste.model import ModelCard, read_card  # noqa: E402
from lift_to_3d.core.mixste.network import MixSTE, NetworkConfig  # noqa: E402
from lift_to_3d.core.skeleton import COCO, H36M  # noqa: E402
from lift_to_3d.core.training import losses, metrics, pieces  # noqa: E402
from lift_to_3d.core.training.augment import (  # noqa: E402
    axis_angle_matrix,
    mirrored,
    other_bodies,
    other_poses,
)
from lift_to_3d.core.training.batches import load_capture, random_batch  # noqa: E402
from lift_to_3d.core.training.cameras import camera_rotation, random_cameras  # noqa: E402
from lift_to_3d.core.training.capture import Take, load_takes, save_takes  # noqa: E402
from lift_to_3d.core.training.detector import detect, keypoints, redefined  # noqa: E402
from lift_to_3d.core.training.export import export_model  # noqa: E402
from lift_to_3d.core.training.loop import (  # noqa: E402
    CHECKPOINT,
    Training,
    load_checkpoint,
    new_network,
    set_precision,
    usable_device,
    with_window_length,
)
from lift_to_3d.core.training.optimizer import orthogonalised  # noqa: E402
from lift_to_3d.core.training.recipe import Recipe, read_recipe  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

STANDING = np.array([
    [0, 0, 0.95], [0.1, 0, 0.93], [0.1, 0, 0.5], [0.1, 0, 0.08],
    [-0.1, 0, 0.93], [-0.1, 0, 0.5], [-0.1, 0, 0.08],
    [0, 0, 1.18], [0, 0, 1.42], [0, 0.1, 1.55], [0, 0, 1.7],
    [-0.17, 0, 1.4], [-0.2, 0, 1.12], [-0.22, 0.02, 0.88],
    [0.17, 0, 1.4], [0.2, 0, 1.12], [0.22, 0.02, 0.88],
])  # fmt: skip
"""Somebody who faces +Y: the left side is at -X."""


def waving(frames: int) -> np.ndarray:
    """Somebody who stands and waves with the left hand."""
    pose = np.repeat(STANDING[None], frames, 0)
    pose[:, 13, 2] += 0.2 * np.sin(np.arange(frames) / 5)
    return pose


@pytest.fixture
def capture_folder(tmp_path):
    """Two takes in the packed format, written as the docs describe it."""
    takes, parts = [], []
    for name, frames in (("one", 90), ("two", 40)):
        whole = np.round(waving(frames) * 1000).astype(np.int32)
        parts.append(np.diff(whole, axis=0, prepend=np.zeros_like(whole[:1])))
        takes.append({"id": name, "subject": "A", "action": "wave", "frames": frames})
    meta = json.dumps({"fps": 50, "takes": takes}).encode()
    buffer = io.BytesIO()
    delta = np.concatenate(parts).astype(np.int16).transpose(1, 2, 0)
    np.savez(buffer, delta=delta, meta=np.frombuffer(meta, np.uint8))
    (tmp_path / "waving.npz").write_bytes(buffer.getvalue())
    return tmp_path


def small_recipe(**changes) -> Recipe:
    network = NetworkConfig(frames=5, width=16, depth=1, in_channels=3, heads=4)
    values = {"steps": 6, "batch": 4, "warmup": 2, "data": {"waving.npz": 1.0}, **changes}
    return Recipe(name="small", network=network, **values)


def test_capture_is_unpacked_to_the_millimetre(capture_folder):
    takes = load_takes(capture_folder / "waving.npz")
    assert [(t.name, len(t.joints)) for t in takes] == [("one", 90), ("two", 40)]
    assert np.abs(takes[1].joints[:, 3] - STANDING[3]).max() < 6e-4


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x05\x06" + b"\0" * 18])
def test_damaged_capture_is_said(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(MotionError, match=r"bad\.npz"):
        load_takes(tmp_path / "bad.npz")


def test_public_capture_loads(shared):
    takes = load_takes(shared / "mocap" / "val.npz.xz")
    assert sum(len(t.joints) for t in takes) == 8787
    lowest = [t.joints[:, [3, 6], 2].min() for t in takes if not t.name.endswith((".1", ".2"))]
    assert np.median(lowest) == pytest.approx(0.08, abs=0.01)


def test_camera_axes():
    """Level camera along +Y: world X is right, Z is up (-y), Y is depth; pitch > 0 looks down."""
    zero = torch.zeros(1)
    level = camera_rotation(zero, zero, zero)[0]
    assert torch.allclose(level, torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]))
    down = camera_rotation(zero, torch.tensor([math.radians(30)]), zero)[0]
    assert torch.allclose(down[2], torch.tensor([0, math.cos(0.5236), -0.5]), atol=1e-4)
    assert torch.linalg.det(down) == pytest.approx(1)


def test_keypoints_sit_where_a_person_has_them():
    points = keypoints(torch.tensor(STANDING).float()[None, None], torch.Generator())[0, 0]
    at = dict(zip(COCO, points.numpy(), strict=True))
    assert np.allclose(at["left_wrist"], STANDING[13])
    assert at["left_eye"][0] < at["right_eye"][0]
    assert at["left_ear"][0] < at["left_eye"][0] < at["right_ear"][0]
    assert at["left_ear"][1] < at["nose"][1]
    assert at["left_eye"][2] > at["nose"][2]


def test_another_detector_means_joints_a_little_elsewhere_on_the_body():
    standing = torch.tensor(STANDING).float().expand(4, 3, 17, 3)
    points = keypoints(standing, torch.Generator().manual_seed(0))
    moved = redefined(points, torch.Generator().manual_seed(1))
    far = (moved - points).norm(dim=-1)
    assert 0.005 < far.mean() < 0.08
    assert far.max() < 0.25
    # Fixed to the body: the same for a person who is turned and elsewhere, and left as right.
    turn = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    turned = redefined(points @ turn.T + 3, torch.Generator().manual_seed(1))
    torch.testing.assert_close(turned, moved @ turn.T + 3, atol=1e-4, rtol=1e-4)
    pairs = [COCO.index(name) for name in ("left_hip", "right_hip", "left_knee", "right_knee")]
    apart = (moved - points)[:, :, pairs].norm(dim=-1)
    assert (apart[..., 0] - apart[..., 1]).abs().max() < 0.02


def test_perfect_detector_projects_and_noisy_one_doubts_its_errors():
    random = torch.Generator().manual_seed(3)
    cameras = random_cameras(64, random)
    joints = torch.tensor(STANDING).float().expand(64, 20, 17, 3)
    points = cameras.place(keypoints(joints, random), joints[:, :, 0].mean(1))
    rays, sure = detect(points, cameras, 0.0, random)
    assert torch.allclose(rays * points[..., 2:], points[..., :2], atol=1e-5)
    assert bool((sure == 1).all())
    noisy, sure = detect(points, cameras, 1.0, random)
    error = (noisy - rays).norm(dim=-1) * points[..., 2]
    found = sure > 0
    assert 0.02 < float((~found).float().mean()) < 0.2
    assert 0.005 < float(error[found].median()) < 0.05
    rank = np.corrcoef(
        error[found].argsort().argsort().numpy(), sure[found].argsort().argsort().numpy()
    )[0, 1]
    assert rank < -0.15


def test_cameras_step_back_from_those_who_would_walk_into_them():
    random = torch.Generator().manual_seed(5)
    walk = torch.linspace(-4, 4, 30)[:, None, None] * torch.tensor([0.0, 1.0, 0.0])
    joints = (torch.tensor(STANDING).float() + walk).expand(64, 30, 17, 3)
    centre = joints[:, :, 0].mean(1)
    cameras = random_cameras(64, random)
    nearest = cameras.place(joints, centre)[..., 2].amin((1, 2))
    back = cameras.stepped_back(joints, centre)
    assert 10 < int((nearest < 1).sum()) < 64
    moved = back.place(joints, centre) - cameras.place(joints, centre)
    torch.testing.assert_close(moved[:, 0, 0, 2], (1 - nearest).clamp_min(0))
    assert float(back.place(joints, centre)[..., 2].min()) > 0.99


def test_a_detector_errs_less_on_the_person_when_near():
    random = torch.Generator().manual_seed(6)
    joints = torch.tensor(STANDING).float().expand(64, 40, 17, 3)
    depth = torch.linspace(2, 8, 40)[:, None, None] * torch.tensor([0.0, 0.0, 1.0])
    points = joints @ torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]) + depth
    rays = points[..., :2] / points[..., 2:]
    seen, sure = detect(points, random_cameras(64, random), 1.0, random)
    error = (seen - rays).norm(dim=-1)
    near, far = (error[:, part][sure[:, part] > 0].median() for part in (slice(5), slice(-5, None)))
    assert 3 < float(near / far) < 5, "in the picture as large as the person"


def test_other_bodies_keep_directions_and_symmetry():
    joints = torch.tensor(STANDING).float().expand(5, 3, 17, 3)
    other = other_bodies(joints, torch.Generator().manual_seed(0))
    for parent, child in H36M.bones:
        before = joints[:, :, child] - joints[:, :, parent]
        after = other[:, :, child] - other[:, :, parent]
        cosine = torch.nn.functional.cosine_similarity(before, after, dim=-1)
        assert torch.allclose(cosine, torch.ones_like(cosine), atol=1e-4)
    length = (other[:, :, 6] - other[:, :, 5]).norm(dim=-1)
    assert torch.allclose(length, (other[:, :, 3] - other[:, :, 2]).norm(dim=-1), atol=1e-5)
    assert length.std() > 0.01


def test_other_poses_keep_bone_lengths():
    joints = torch.tensor(STANDING).float().expand(5, 3, 17, 3)
    other = other_poses(joints, 1.0, torch.Generator().manual_seed(0))
    parent, child = (list(i) for i in zip(*[b for b in H36M.bones if b[1] not in (9, 11, 14)],
                                          strict=True))  # fmt: skip
    before = (joints[:, :, child] - joints[:, :, parent]).norm(dim=-1)
    after = (other[:, :, child] - other[:, :, parent]).norm(dim=-1)
    assert torch.allclose(before, after, atol=1e-5)
    assert (other - joints).abs().max() > 0.02


def test_mirror_is_its_own_inverse_and_keeps_left_on_the_left():
    joints = torch.tensor(STANDING).float().expand(2, 3, 17, 3)
    chosen = torch.tensor([True, False])
    once = mirrored(joints, chosen)
    assert torch.equal(mirrored(once, chosen), joints)
    assert once[0, 0, 13, 0] < 0 < once[0, 0, 16, 0]


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_axis_angle_is_scipys(vector):
    ours = axis_angle_matrix(torch.tensor([vector], dtype=torch.float32))[0].numpy()
    assert np.allclose(ours, Rotation.from_rotvec(vector).as_matrix(), atol=1e-5)


def test_batches_depend_on_the_seed_alone_and_show_what_they_say(capture_folder):
    captures = [load_capture(capture_folder / "waving.npz", 1.0, torch.device("cpu"))]

    def make(seed):
        return random_batch(captures, 8, 9, (7, 25), 0.0, torch.Generator().manual_seed(seed))

    one, again, other = make(1), make(1), make(2)
    assert torch.equal(one.inputs, again.inputs)
    assert torch.equal(one.targets, again.targets)
    assert not torch.equal(one.targets, other.targets)
    assert float(one.targets[:, :, 0].abs().max()) < 1e-6
    # A perfect detector's limbs, seen from afar, lie nearly in line with the targets' x and y.
    assert _in_line(one) > 0.97


def _in_line(batch):
    limbs = [2, 3, 5, 6, 12, 13, 15, 16]
    seen = batch.inputs[:, :, limbs, :2] - batch.inputs[:, :, :1, :2]
    both = torch.stack([seen.flatten(), batch.targets[:, :, limbs, :2].flatten()])
    return float(torch.corrcoef(both)[0, 1])


def test_a_recipe_may_ask_for_steep_cameras_and_for_detectors_that_mean_other_joints(
    capture_folder,
):
    def pitch(steep):
        cameras = random_cameras(2000, torch.Generator().manual_seed(0), steep=steep)
        return -cameras.rotation[:, 2, 2].asin().rad2deg()  # how far the axis points below level

    usual, steep, half = pitch(0.0), pitch(1.0), pitch(0.5)
    assert -30 < float(usual.min())
    assert float(usual.max()) < 43
    assert (float(steep.min()), float(steep.max())) == pytest.approx((-50, 70), abs=1)
    assert float((half > 43).float().mean()) == pytest.approx(0.5 * 27 / 120, abs=0.02)

    captures = [load_capture(capture_folder / "waving.npz", 1.0, torch.device("cpu"))]

    def make(share):
        random = torch.Generator().manual_seed(1)
        return random_batch(captures, 64, 9, (7, 25), 0.0, random, other_joints=share)

    assert _in_line(make(0.0)) > _in_line(make(0.5)) > _in_line(make(1.0)) > 0.9


@given(st.integers(0, 10_000))
def test_procrustes_undoes_any_similarity(seed):
    random = np.random.default_rng(seed)
    target = random.normal(size=(4, 17, 3))
    turn = Rotation.from_quat(random.normal(size=(4, 4))).as_matrix()
    other = random.uniform(0.2, 3, (4, 1, 1)) * target @ turn + random.normal(size=(4, 1, 3))
    assert metrics.p_mpjpe(other, target) < 1e-6
    flipped = target * [-1, 1, 1]
    assert metrics.p_mpjpe(flipped, target) > 50, "a mirror image is not a rotation"


def test_metrics_in_millimetres():
    target = np.repeat(STANDING[None], 4, 0)
    assert metrics.mpjpe(target + [0.01, 0, 0], target) == pytest.approx(10)
    assert metrics.mpjve(target + np.arange(4)[:, None, None] * [0, 0.02, 0], target) == (
        pytest.approx(20)
    )
    relative = target - target[:, :1]
    assert metrics.n_mpjpe(relative * 1.3, relative) == pytest.approx(0, abs=1e-9)
    bent = relative.copy()
    bent[1, 13] = 2 * bent[1, 12] - bent[1, 13]
    assert metrics.wrong_limbs(bent, relative).tolist() == [False, True, False, False]


def test_orthogonalised_steps_have_singular_values_near_one():
    torch.manual_seed(0)
    for shape in ((3, 32, 96), (2, 96, 32), (1, 64, 64)):
        values = torch.linalg.svdvals(orthogonalised(torch.randn(shape)))
        assert 0.5 < float(values.min())
        assert float(values.max()) < 1.5


@pytest.mark.parametrize("dropped", [{}, {"dropout": 0.1}, {"drop_path": 0.5}])
def test_training_can_be_cut_anywhere(capture_folder, tmp_path, dropped):
    recipe = small_recipe()
    recipe = replace(recipe, network=replace(recipe.network, depth=2, **dropped))

    def weights(folder):
        return load_checkpoint(folder)["average"]

    whole = Training(recipe, capture_folder, tmp_path / "whole", "cpu")
    whole.run()
    assert whole.finished
    for _ in range(20):
        torch.manual_seed(len(list(tmp_path.rglob("*"))))  # what was drawn before does not matter
        cut = Training(recipe, capture_folder, tmp_path / "cut", "cpu")
        if cut.finished:
            break
        cut.run(seconds=0.0)
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(torch.allclose(v, other[k], atol=1e-6) for k, v in one.items())
    assert (tmp_path / "cut" / "curve.csv").read_text().startswith("step,")
    assert (tmp_path / "cut" / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.rglob("*.part"))


def test_a_run_that_diverges_stops_and_keeps_its_checkpoint(capture_folder, tmp_path):
    """Also where only some updates are looked at, as on a card."""
    good = small_recipe(optimizer="adamw", warmup=1, cooldown=0.0, steps=20)
    Training(good, capture_folder, tmp_path, "cpu").run(seconds=0.0)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    bad = Training(replace(good, lr=1e20), capture_folder, tmp_path, "cpu")
    bad.look_every = 5
    with pytest.raises(
        ModelError, match=r"^small: .* from update 3 on, .* of update 1 is kept; give"
    ):
        bad.run()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_weights_that_a_last_update_spoilt_are_not_kept(capture_folder, tmp_path):
    recipe = small_recipe(optimizer="adamw", warmup=1, cooldown=0.0, steps=1, lr=3e37, decay=11.0)
    with pytest.raises(ModelError, match="not finite from update 1 on, and nothing is kept"):
        Training(recipe, capture_folder, tmp_path, "cpu").run()
    assert not list(tmp_path.glob(CHECKPOINT + "*"))


def test_single_frames_are_trained_on(capture_folder, tmp_path):
    recipe = small_recipe(loss=losses.Loss("reference", consistency=0.5, velocity=2.0))
    recipe = replace(recipe, network=replace(recipe.network, frames=1))
    training = Training(recipe, capture_folder, tmp_path, "cpu")
    training.run()
    assert all(value.isfinite().all() for value in load_checkpoint(tmp_path)["average"].values())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"data": {}}, r"^small: names no capture; add a \[data\] table"),
        (
            {"data": {"waving.npz": 1.0, "a.npz": 1.0, "b.npz": 1.0}},
            r"has no a\.npz and no b\.npz, w",
        ),
        ({"in_channels": 2}, "17 joints of 2 numbers, but motion capture gives 17 of 3"),
        ({"joints": 15}, "15 joints of 3 numbers, but motion capture gives 17 of 3"),
        ({"device": "meta"}, "device 'meta': torch cannot train on any such; take cpu or cuda.$"),
        ({"device": "warp"}, "device 'warp': torch cannot train on any such; take cpu or cuda.$"),
    ],
)
def test_runs_that_cannot_begin_are_told_in_words(capture_folder, tmp_path, changed, said):
    recipe, device = small_recipe(), changed.pop("device", "cpu")
    if "data" in changed:
        recipe = replace(recipe, **changed)
    else:
        recipe = replace(recipe, network=replace(recipe.network, **changed))
    with pytest.raises(ModelError, match=said):
        Training(recipe, capture_folder, tmp_path / "run", device)
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about machines without a graphics card")
def test_a_card_that_is_not_there_is_told_in_words():
    with pytest.raises(ModelError, match=r"^device 'cuda': torch cannot .*; take cpu, or install"):
        usable_device("cuda")


@pytest.mark.filterwarnings("ignore:.*CUDA is not available")
def test_precision_is_the_recipes_on_a_card_and_full_on_a_cpu():
    def products(name, device):
        set_precision(name, torch.device(device))
        return torch.get_float32_matmul_precision()

    assert products("bfloat16", "cuda") == "high"
    assert products("float32", "cuda") == "highest"
    assert products("bfloat16", "cpu") == "highest"
    with set_precision("bfloat16", torch.device("cpu")):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


class Dispatched(TorchDispatchMode):
    """Counts every operation of torch by name."""

    def __init__(self):
        super().__init__()
        self.names = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


def test_an_update_never_waits_for_the_card(capture_folder, tmp_path):
    """Neither number nor size is taken from a tensor, and no list is copied to the device."""
    training = Training(small_recipe(), capture_folder, tmp_path, "cpu")

    def made_and_learnt(number):
        batch = training.source.draw(torch.Generator().manual_seed(number))
        loss, _ = training._loss(training.network(batch.inputs), batch)
        loss.backward()
        training._follow()

    made_and_learnt(0)  # constants go to the device once
    with Dispatched() as seen:
        made_and_learnt(1)
    assert seen.names["rand"] > 10, "it was counted"
    for name in ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero"):
        assert not seen.names[name], name
    assert seen.names["lift_fresh"] <= 1, "only the number 1 in to_view, which stays on the host"


def test_gradients_are_cut_to_the_recipes_length_or_not_at_all(capture_folder, tmp_path):
    def moved(clip):
        values = {"optimizer": "adam", "warmup": 1, "lr": 1.0, "clip": clip, "steps": 1}
        recipe = small_recipe(**values, loss=losses.Loss(position=1e3))
        training = Training(recipe, capture_folder, tmp_path / str(clip), "cpu")
        training.run()
        return nn.utils.get_total_norm(
            [p.grad for p in training.network.parameters() if p.grad is not None]
        )

    assert float(moved(0.0)) > 10
    assert float(moved(0.5)) == pytest.approx(0.5, rel=1e-3)


def test_training_learns(capture_folder, tmp_path):
    recipe = small_recipe(steps=150, lr=1e-2, noise=0.0)
    training = Training(recipe, capture_folder, tmp_path, "cpu")
    captures = [load_capture(capture_folder / "waving.npz", 1.0, torch.device("cpu"))]
    batch = random_batch(captures, 32, 5, (7, 25), 0.0, torch.Generator().manual_seed(99))

    def error(network):
        with torch.no_grad():
            return metrics.mpjpe(network(batch.inputs).numpy(), batch.targets.numpy())

    before = error(training.network)
    training.run()
    assert error(training.average) < 0.5 * before


def test_longer_windows_keep_the_embeddings_ends():
    network = MixSTE(NetworkConfig(frames=9, width=16, depth=1, heads=4))
    torch.nn.init.normal_(network.Temporal_pos_embed)
    longer = with_window_length(network.state_dict(), 27)["Temporal_pos_embed"]
    assert longer.shape == (1, 27, 16)
    assert torch.allclose(longer[:, [0, -1]], network.Temporal_pos_embed[:, [0, -1]])


def test_a_recipe_begins_with_a_model(tmp_path):
    before = MixSTE(NetworkConfig(frames=9, width=16, depth=1, in_channels=3, heads=4))
    torch.nn.init.normal_(before.Temporal_pos_embed)
    card = ModelCard("before", 9, 12.5, 3, "view")
    onnx = export_model(before, card, tmp_path)
    recipe = small_recipe(start_from=str(onnx))
    network = new_network(replace(recipe, network=replace(before.config, frames=27)))
    weights = before.state_dict() | {"Temporal_pos_embed": network.Temporal_pos_embed}
    for name, value in network.state_dict().items():
        assert torch.equal(value, weights[name])
    with pytest.raises(ModelError, match="of another width, depth or input"):
        new_network(replace(recipe, network=replace(before.config, depth=2)))


def test_step_size_warms_up_holds_and_falls_to_nothing():
    recipe = small_recipe(steps=100, warmup=10, lr=1.0, cooldown=0.5)
    sizes = [recipe.step_size(i) for i in range(100)]
    assert sizes[0] == pytest.approx(0.1)
    assert sizes[9:50] == [1.0] * 41
    assert sizes[99] == pytest.approx(0.02)


def test_checkpoint_of_another_network_is_refused(capture_folder, tmp_path):
    Training(small_recipe(steps=1), capture_folder, tmp_path, "cpu").run()
    assert (tmp_path / CHECKPOINT).is_file()
    other = Recipe(**{**small_recipe().__dict__, "network": NetworkConfig(5, 32, 1, 3, heads=4)})
    with pytest.raises(ModelError, match="another network"):
        Training(other, capture_folder, tmp_path, "cpu")


def small_file(folder, steps):
    """A recipe of a small network on the capture of `capture_folder`."""
    path = folder / "small.toml"
    path.write_text(
        f"steps = {steps}\nbatch = 2\n[data]\n'waving.npz' = 1.0\n"
        "[network]\nframes = 5\nwidth = 16\ndepth = 1\nin_channels = 3\nheads = 4\n"
    )
    return path


def packed(path, frames, source):
    path.parent.mkdir()
    save_takes([Take("one", "A", "wave", waving(frames), 50.0)], path, {"source": source})
    return path


def test_a_run_belongs_to_its_data(tmp_path, capsys):
    recipe = small_file(tmp_path, steps=2)
    ours = packed(tmp_path / "ours" / "train.npz", 60, "ours")
    theirs = packed(tmp_path / "theirs" / "train.npz", 70, "theirs")
    out, words = tmp_path / "out", ["train", str(recipe), "--out", str(tmp_path / "out"), "--data"]
    assert main([*words, str(ours)]) == 0
    card = out / "small" / "small.json"
    assert read_card(card).data == ("train.npz: ours",)
    capsys.readouterr()
    assert main([*words, str(theirs)]) == 2
    [said] = capsys.readouterr().err.splitlines()
    assert said.count("train.npz (sha256 ") == 2
    assert said.endswith("; choose another --out.")
    assert read_card(card).data == ("train.npz: ours",)
    # The same content in another folder, trained on for longer with another step size.
    recipe.write_text("lr = 1e-4\n" + recipe.read_text().replace("steps = 2", "steps = 3"))
    moved = tmp_path / "moved" / "train.npz"
    moved.parent.mkdir()
    ours.rename(moved)
    assert main([*words, str(moved)]) == 0
    assert "(3 steps)" in read_card(card).command


@pytest.mark.parametrize(
    ("others", "licence"), [({"licence": "MIT"}, "CC0; MIT"), ({}, "")], ids=["both", "one"]
)
def test_files_that_say_where_they_are_from_are_believed(tmp_path, others, licence):
    """Not the recipe, which is written for files of these names from elsewhere."""
    recipe = small_file(tmp_path, steps=1)
    text = recipe.read_text().replace("'waving.npz' = 1.0", "'one.npz' = 1.0\n'two.npz' = 1.0")
    recipe.write_text("sources = ['one.npz: CMU']\nlicence = 'anything'\n" + text)
    take = Take("one", "A", "wave", waving(60), 50.0)
    words = ["train", str(recipe), "--data", str(tmp_path), "--out", str(tmp_path)]
    save_takes([take], tmp_path / "one.npz")
    save_takes([take], tmp_path / "two.npz", others)
    assert main([*words, "--minutes", "1e-9"]) == 0
    card = read_card(tmp_path / "small" / "small.json")
    assert (card.data, card.licence) == (("one.npz: CMU",), "anything")
    save_takes([take], tmp_path / "one.npz", {"source": "ours", "licence": "CC0"})
    assert main([*words[:-1], str(tmp_path / "again")]) == 0
    card = read_card(tmp_path / "again" / "small" / "small.json")
    assert card.data == ("one.npz: ours", "two.npz: source not given")
    assert card.licence == licence


def test_checkpoints_that_do_not_say_their_data_go_on(capture_folder, tmp_path):
    Training(small_recipe(), capture_folder, tmp_path / "run", "cpu").run(seconds=0.0)
    path = tmp_path / "run" / CHECKPOINT
    state = torch.load(path)
    assert list(state.pop("data")) == ["waving.npz"]
    torch.save(state, path)
    Training(small_recipe(), capture_folder, tmp_path / "run", "cpu").run(seconds=0.0)
    assert list(load_checkpoint(tmp_path / "run")["data"]) == ["waving.npz"]


def test_a_card_is_of_what_was_trained(capture_folder, tmp_path):
    recipe = small_file(tmp_path, steps=1)
    words = ["train", str(recipe), "--data", str(capture_folder), "--out", str(tmp_path / "out")]
    assert main(words) == 0
    card = read_card(tmp_path / "out" / "small" / "small.json")
    recipe.write_text("rate = [40.0, 50.0]\nlicence = 'none'\n" + recipe.read_text())
    assert main(words) == 0
    assert read_card(tmp_path / "out" / "small" / "small.json") == card


def test_names_that_are_paths_are_refused(capture_folder, tmp_path, capsys):
    words = ["train", str(small_file(tmp_path, steps=1)), "--data", str(capture_folder)]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    run, models = str(tmp_path / "out" / "small"), str(tmp_path / "models" / "mine")
    assert main(["export-onnx", run, "--out", models, "--name", "../evil"]) == 2
    assert "../evil: is a path; a name has no slash" in capsys.readouterr().err
    assert not list(tmp_path.rglob("evil.*"))


def test_ctrl_c_saves_between_two_updates(capture_folder, tmp_path):
    recipe = small_recipe()
    Training(recipe, capture_folder, tmp_path / "whole", "cpu").run()
    cut = Training(recipe, capture_folder, tmp_path / "cut", "cpu")

    def stop(step, _):
        if step == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        cut.run(report=stop)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert load_checkpoint(tmp_path / "cut")["step"] == cut.saved == 3
    Training(recipe, capture_folder, tmp_path / "cut", "cpu").run()
    one, other = (load_checkpoint(tmp_path / name)["average"] for name in ("whole", "cut"))
    assert all(torch.allclose(v, other[k], atol=1e-6) for k, v in one.items())


def test_a_second_ctrl_c_stops_at_once(capture_folder, tmp_path):
    training = Training(small_recipe(), capture_folder, tmp_path, "cpu")

    def stop_twice(*_):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        training.run(report=stop_twice)
    assert not (tmp_path / CHECKPOINT).exists()


def test_ctrl_c_leaves_the_pieces_and_says_what_is_kept(capture_folder, tmp_path, capsys):
    out, travel = tmp_path / "out", tmp_path / "travel"
    words = ["train", str(small_file(tmp_path, steps=100_000)), "--data", str(capture_folder)]

    def stop():
        while not (out / "small" / "curve.csv").is_file():
            time.sleep(0.01)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=stop, daemon=True).start()
    assert main([*words, "--out", str(out), "--pieces", str(travel)]) == 1
    step = json.loads((travel / "small.json").read_text())["step"]
    assert load_checkpoint(out / "small")["step"] == step > 0
    said = f"{step} of 100000 updates are kept in {out / 'small'}, and in pieces in {travel}; the s"
    assert said in capsys.readouterr().out


def test_the_curve_has_every_update_once(capture_folder, tmp_path):
    recipe = small_recipe()
    Training(recipe, capture_folder, tmp_path, "cpu").run(seconds=0.0)
    early = (tmp_path / CHECKPOINT).read_bytes()
    Training(recipe, capture_folder, tmp_path, "cpu").run()
    (tmp_path / CHECKPOINT).write_bytes(early)  # as after a loss of power
    Training(recipe, capture_folder, tmp_path, "cpu").run()
    steps = [row.partition(",")[0] for row in (tmp_path / "curve.csv").read_text().splitlines()]
    assert steps == ["step", "1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize("word", ["--out", "--pieces"])
def test_folders_that_are_files_are_refused_before_training(capture_folder, tmp_path, capsys, word):
    afile = tmp_path / "afile"
    afile.touch()
    words = ["train", str(small_file(tmp_path, steps=1)), "--data", str(capture_folder)]
    assert main([*words, "--out", str(tmp_path / "out"), word, str(afile)]) == 2
    assert "afile" in (said := capsys.readouterr().err)
    assert said.count("nothing can be written into it") == 1
    assert not list(tmp_path.rglob("*.onnx"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--threads", "-3"], "'-3' is no number of cores from 1 to 1024"),
        (["--minutes", "-1"], "'-1' is no number above 0"),
        (["--minutes", "0"], "'0' is no number above 0"),
        (["--minutes", "nan"], "'nan' is no number above 0"),
        (["--data", "nowhere.npz.xz"], "nowhere.npz.xz: no such file or folder."),
    ],
)
def test_wrong_words_of_train_are_told(capture_folder, tmp_path, capsys, words, said):
    recipe = small_file(tmp_path, steps=1)
    line = ["train", str(recipe), "--data", str(capture_folder), "--out", str(tmp_path / "out")]
    assert main([*line, *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_slice_says_what_is_kept(capture_folder, tmp_path, capsys):
    recipe = small_file(tmp_path, steps=3)
    words = ["train", str(recipe), "--data", str(capture_folder), "--out", str(tmp_path)]
    assert main([*words, "--minutes", "1e-9"]) == 0
    said = capsys.readouterr().out
    assert said.endswith(
        f"1 of 3 updates are kept in {tmp_path / 'small'}; the same command goes on.\n"
    )


def test_checkpoints_that_are_cut_off_are_told_in_words(capture_folder, tmp_path):
    with pytest.raises(ModelError, match=r"has no checkpoint\.pt, so it is no training run\.$"):
        load_checkpoint(tmp_path)
    Training(small_recipe(), capture_folder, tmp_path, "cpu").run(seconds=0.0)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ModelError, match=r"checkpoint\.pt: .* cut off; move it away to begin anew"):
        load_checkpoint(tmp_path)
    torch.save({"weight": torch.ones(2)}, path)
    with pytest.raises(ModelError, match=r"checkpoint\.pt: .* cut off; move it away to begin anew"):
        load_checkpoint(tmp_path)


def test_slices_on_lent_machines_go_on_from_pieces(capture_folder, tmp_path, capsys):
    """Every slice finds an empty machine, and the pieces that the one before left."""
    travel, recipe = tmp_path / "travel", small_file(tmp_path, steps=3)
    reached = []
    for number in range(4):
        out = tmp_path / f"machine{number}"
        words = ["train", str(recipe), "--data", str(capture_folder), "--out", str(out)]
        assert main([*words, "--minutes", "1e-9", "--pieces", str(travel)]) == 0
        [about] = travel.glob("*.json")
        reached.append(json.loads(about.read_text())["step"])
        assert {p.suffix for p in travel.iterdir()} == {".json", ".0"}
    assert reached == [1, 2, 3, 3]
    model = tmp_path / "machine2" / "small" / "small.onnx"
    assert model.is_file(), "written where it was finished, and again at home"
    assert (tmp_path / "machine3" / "small" / "small.onnx").is_file()
    assert (tmp_path / "machine3" / "small" / "curve.csv").read_text().count("\n") == 4


def test_pieces_of_the_best_recipe_are_small_enough_to_travel(tmp_path):
    recipe = read_recipe("best")
    weights = MixSTE(recipe.network).state_dict()
    run = tmp_path / "best"
    run.mkdir()
    state = {"recipe": "{}", "step": 7, "network": weights, "average": weights, "optimizers": []}
    torch.save(state, run / CHECKPOINT)
    written = pieces.leave(run, tmp_path / "travel")
    sizes = [path.stat().st_size for path in written]
    assert len(sizes) <= 8
    assert max(sizes) < 16 << 20
    assert sum(sizes) < 40 << 20
    [taken] = pieces.take_up(tmp_path / "travel", tmp_path / "home")
    again = load_checkpoint(taken)
    assert again["step"] == 7
    for name, value in weights.items():
        assert torch.allclose(again["average"][name], value, rtol=1e-3, atol=1e-6)


def test_pieces_of_other_data_do_not_take_a_runs_place(capture_folder, tmp_path):
    travel, out = tmp_path / "travel", tmp_path / "out"
    other = packed(tmp_path / "other" / "waving.npz", 60, "elsewhere").parent
    ahead = Training(small_recipe(), other, tmp_path / "small", "cpu")
    ahead.run()
    pieces.leave(tmp_path / "small", travel)
    Training(small_recipe(), capture_folder, out / "small", "cpu").run(seconds=0.0)
    with pytest.raises(ModelError, match=r"small: was trained on waving\.npz \(.*; choose another"):
        pieces.take_up(travel, out)
    assert load_checkpoint(out / "small")["step"] == 1


def test_pieces_that_do_not_fit_are_refused_and_older_ones_ignored(capture_folder, tmp_path):
    travel, out = tmp_path / "travel", tmp_path / "out"
    training = Training(small_recipe(), capture_folder, out / "small", "cpu")
    training.run(seconds=0.0)
    pieces.leave(out / "small", travel, size=1000)
    assert len(list(travel.iterdir())) > 5
    training.run(seconds=0.0)
    assert pieces.take_up(travel, out) == []
    assert load_checkpoint(out / "small")["step"] == 2
    assert pieces.take_up(tmp_path / "nowhere", out) == []
    (travel / "notes.json").write_text("{}")
    pieces.leave(out / "small", travel, size=2000)
    assert (travel / "notes.json").is_file()
    [second] = travel.glob("small.*.1")
    second.write_bytes(b"x" * 2000)
    with pytest.raises(ModelError, match=r"small\.json: its pieces cannot be put together"):
        pieces.take_up(travel, tmp_path / "other")
    second.unlink()
    with pytest.raises(ModelError, match=r"small\.json"):
        pieces.take_up(travel, tmp_path / "other")
    assert not (tmp_path / "other").exists()
