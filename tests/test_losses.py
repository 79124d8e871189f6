"""The losses, against the papers and what one reckons by hand."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="tests of training need torch")
torch.set_num_threads(1)  # networks this small only wait for each other

from lift_to_3d.core.errors import ModelError  # noqa: E402
from lift_to_3d.core.skeleton import H36M  # noqa: E402
from lift_to_3d.core.training import losses  # noqa: E402


def test_losses_are_the_papers():
    random = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 2, 5, 17, 3, generator=random)
    weights = torch.rand(17, generator=random)
    total = velocity = jerk = 0.0
    for n in range(2):
        for t in range(5):
            for j in range(17):
                total += float(weights[j] * (a[n, t, j] - b[n, t, j]).norm())
                if t:
                    step_a, step_b = a[n, t, j] - a[n, t - 1, j], b[n, t, j] - b[n, t - 1, j]
                    velocity += float((step_a - step_b).norm())
                    jerk += float(weights[j] * step_a.square().mean())
    assert float(losses.wmpjpe(a, b, weights)) == pytest.approx(total / 170, rel=1e-5)
    assert float(losses.velocity_error(a, b)) == pytest.approx(velocity / 136, rel=1e-5)
    assert float(losses.temporal_consistency(a, weights)) == pytest.approx(jerk / 136, rel=1e-5)


PAPER_GROUPS = [1, 1, 2.5, 4, 1, 2.5, 4, 1, 1, 1.5, 1.5, 1, 2.5, 4, 1, 2.5, 4]
"""Torso 1, head 1.5, elbows and knees 2.5, wrists and ankles 4 (section 4.2)."""
PUBLISHED = [1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4]
PUBLISHED_16 = [1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4]
PUBLISHED_15 = [1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4]
"""By the place of a joint, whatever joint it is."""


def test_joints_weigh_what_paper_and_published_code_say():
    from lift_to_3d.core.training.datasets import h36m, humaneva

    assert losses.joint_weights("paper") == tuple(PAPER_GROUPS)
    for skeleton, weights in (
        (H36M, PUBLISHED),
        (h36m.SIXTEEN, PUBLISHED_16),
        (humaneva.SKELETON, PUBLISHED_15),
    ):
        assert losses.joint_weights("reference", skeleton) == tuple(weights)
    named = dict(zip(H36M.names, PAPER_GROUPS, strict=True))
    by_name = tuple(named[name] for name in humaneva.SKELETON.names)
    assert losses.joint_weights("paper", humaneva.SKELETON) == by_name
    assert np.mean(losses.joint_weights("even")) == pytest.approx(1)
    assert losses.joint_weights("even")[0] == 0
    with pytest.raises(ModelError, match="even, paper, reference"):
        losses.joint_weights("odd")


def test_each_loss_alone_is_what_one_reckons_by_hand():
    """Two frames. The left wrist (weight 4) is 0.3 m off in the second; the hip (1) rises there."""
    target = torch.zeros(1, 2, 17, 3)
    target[0, 1, 1, 1] = 0.2
    predicted = target.clone()
    predicted[0, 1, 13, 2] = 0.3
    alone = {"position": 0.0, "consistency": 0.0, "velocity": 0.0, "joints": "paper"}

    def loss(**changed):
        return float(losses.Loss(**{**alone, **changed})(predicted, target))

    assert loss(position=1.0) == pytest.approx(4 * 0.3 / 34)
    assert loss(position=1.0, squared=True) == pytest.approx(4 * 0.3**2 / 34)
    assert loss(position=1.0, joints="even") == pytest.approx(17 / 16 * 0.3 / 34)
    # Of the prediction alone: 0.3 m by a wrist, 0.2 m by a hip; mean over 17 joints and 3 axes.
    assert loss(consistency=1.0) == pytest.approx((4 * 0.3**2 + 1 * 0.2**2) / 51)
    # Not weighted: the hip moves as it should, the wrist 0.3 m a frame too fast.
    assert loss(velocity=1.0) == pytest.approx(0.3 / 17)
    whole = loss(position=1.0, consistency=0.5, velocity=2.0)
    assert whole == pytest.approx(4 * 0.3 / 34 + 0.5 * (4 * 0.3**2 + 0.2**2) / 51 + 2.0 * 0.3 / 17)


def test_a_single_frame_has_no_motion_to_lose_by():
    """As in the paper's rows of one frame on MPI-INF-3DHP."""
    target, predicted = torch.randn(2, 4, 1, 17, 3, generator=torch.Generator().manual_seed(0))
    predicted.requires_grad_()
    whole = losses.Loss("reference", consistency=0.5, velocity=2.0)
    value = whole(predicted, target)
    value.backward()
    position = replace(whole, consistency=0.0, velocity=0.0)(predicted.detach(), target)
    assert float(value.detach()) == pytest.approx(float(position))
    assert predicted.grad.isfinite().all()


def test_the_published_codes_backward_multiplies_the_gradient_by_the_loss():
    target = torch.zeros(2, 3, 17, 3)
    start = torch.randn(2, 3, 17, 3, generator=torch.Generator().manual_seed(0))
    plain, quirk = start.clone().requires_grad_(), start.clone().requires_grad_()
    loss = losses.Loss("reference", consistency=0.5, velocity=2.0)
    value = loss(plain, target)
    value.backward()
    replace(loss, times_itself=True)(quirk, target).backward()
    assert torch.allclose(quirk.grad, plain.grad * value.detach(), rtol=1e-4)
