"""SOAP: faster than Adam where the problem is badly conditioned, and the same every time."""

import pytest
import torch

from inrcodec.encoder.optimiser import Adam, Soap, _Group


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def conditioned(size, seed, spread=3.0):
    """A symmetric matrix with eigenvalues from 1 down to 10^-spread."""
    basis = torch.linalg.qr(random(size, size, seed=seed))[0]
    return basis @ torch.diag(torch.logspace(0, -spread, size)) @ basis.T


LEFT, RIGHT = conditioned(10, 1), conditioned(14, 2)
TARGET = random(10, 14, seed=3)


def quadratic(x):
    """|L (x - target) R|^2, condition number 10^12."""
    return (LEFT @ (x - TARGET) @ RIGHT).square().sum()


def descend(x, step, steps, loss=quadratic, rate=0.03):
    losses = []
    for i in range(steps):
        x.grad = None
        value = loss(x)
        value.backward()
        losses.append(value.item())
        step(rate * (1 - i / steps))
    return losses


def adam(x):
    optimiser = torch.optim.Adam([x], betas=(0.95, 0.95), eps=1e-10)

    def step(rate):
        optimiser.param_groups[0]["lr"] = rate
        optimiser.step()

    return step


def test_adam_is_that_of_torch():
    target = [random(20, seed=5), random(3, 4, seed=6)]
    ours, theirs = ([torch.zeros_like(x).requires_grad_() for x in target] for _ in "ot")
    still = torch.ones(3, requires_grad=True)
    adam, reference = (
        Adam([*ours, still], [1.0, 0.5, 1.0]),
        torch.optim.Adam(
            [{"params": [x], "scale": scale} for x, scale in zip(theirs, (1.0, 0.5), strict=True)]
        ),
    )
    for step in range(30):
        for leaves in (ours, theirs):
            sum((x - y).square().sum() for x, y in zip(leaves, target, strict=True)).backward()
        for group in reference.param_groups:
            group["lr"] = group["scale"] / (10 + step)
        reference.step()
        reference.zero_grad()
        adam.step(1 / (10 + step))
        adam.clear()
    for x, y in zip(ours, theirs, strict=True):
        assert torch.allclose(x, y, rtol=1e-5, atol=1e-6)
    assert torch.equal(still, torch.ones(3))


def test_adam_steps_by_its_rate_and_the_tensors_own():
    tensors = [torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)]
    adam = Adam(tensors, [1.0, 10.0])
    for tensor in tensors:
        tensor.grad = torch.full_like(tensor, 4.0)
    adam.step(0.01)
    assert tensors[0].tolist() == pytest.approx([0.99] * 2, abs=1e-5)
    assert tensors[1].tolist() == pytest.approx([0.9] * 3, abs=1e-5)


def test_faster_than_adam():
    leaves = [torch.zeros(10, 14, requires_grad=True) for _ in range(2)]
    with_adam = descend(leaves[0], adam(leaves[0]), 300)
    with_soap = descend(leaves[1], Soap([leaves[1]], [1.0]).step, 300)
    assert with_soap[0] == with_adam[0]
    assert with_soap[-1] < 0.1 * with_adam[-1] < 0.1 * with_adam[0]


def test_vectors_are_plain_adam():
    target = random(20, seed=5)
    leaves = [torch.zeros(20, requires_grad=True) for _ in range(2)]

    def loss(x):
        return (x - target).square().sum()

    expected = descend(leaves[0], adam(leaves[0]), 200, loss)
    losses = descend(leaves[1], Soap([leaves[1]], [1.0]).step, 200, loss)
    assert losses == pytest.approx(expected, rel=1e-4)
    assert losses[-1] < 0.01 * losses[0]


@pytest.mark.parametrize("shape", [(1, 6), (6, 1), (1, 1), (7, 3)])
def test_thin_matrices(shape):
    target = random(*shape, seed=6)
    x = torch.zeros(shape, requires_grad=True)
    losses = descend(x, Soap([x], [1.0]).step, 200, lambda x: (x - target).square().sum())
    assert losses[-1] < 1e-3 * losses[0]


def test_sides_too_long_are_not_rotated():
    x = torch.zeros(10, 14, requires_grad=True)
    optimiser = Soap([x], [1.0], largest=12)
    losses = descend(x, optimiser.step, 100)
    assert optimiser._groups[0].rotated == [0]
    assert losses[-1] < 0.2 * losses[0]


def test_tensors_of_one_shape_do_not_mix():
    """Stepped together or alone, a tensor takes the same path."""
    alone = torch.zeros(10, 14, requires_grad=True)
    together = [torch.zeros(10, 14, requires_grad=True) for _ in range(3)]
    single, several = Soap([alone], [1.0]), Soap(together, [1.0] * 3)
    for _ in range(25):
        for i, x in enumerate([alone, *together]):
            x.grad = torch.autograd.grad(quadratic(x + max(i - 1, 0)), x)[0]
        single.step(0.03)
        several.step(0.03)
    torch.testing.assert_close(together[0], alone, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(together[1], alone, atol=1e-3)


def test_scale_multiplies_the_rate():
    leaves = [torch.zeros(4, requires_grad=True) for _ in range(2)]
    for x in leaves:
        x.grad = torch.ones(4)
    Soap(leaves, [1.0, 50.0]).step(0.01)
    torch.testing.assert_close(leaves[0], torch.full((4,), -0.01))
    torch.testing.assert_close(leaves[1], torch.full((4,), -0.5))


def test_refresh_permutes_the_state_with_the_basis():
    """Eigenvectors change places; each keeps its own second moment."""
    x = torch.zeros(3, 4, requires_grad=True)
    group = _Group([x], (3, 4), 1.0, 0.95, 0.95, 10, 1024)
    group.square = torch.arange(12.0).reshape(1, 3, 4)
    covariance = torch.diag(torch.tensor([1.0, 3.0, 2.0]))[None]
    basis = group._refreshed(covariance, torch.eye(3)[None], side=0)
    torch.testing.assert_close(basis.abs()[0], torch.eye(3)[:, [1, 2, 0]])
    assert group.square[0].tolist() == torch.arange(12.0).reshape(3, 4)[[1, 2, 0]].tolist()
    covariance = torch.diag(torch.tensor([1.0, 2.0, 3.0, 4.0]))[None]
    before = group.square.clone()
    group._refreshed(covariance, torch.eye(4)[None], side=1)
    assert torch.equal(group.square, before.flip(2))


def test_bases_stay_orthogonal_and_sorted():
    x = torch.zeros(10, 14, requires_grad=True)
    optimiser = Soap([x], [1.0])
    descend(x, optimiser.step, 60)
    for covariance, basis in optimiser._groups[0].sides.values():
        size = basis.shape[-1]
        torch.testing.assert_close(basis[0].T @ basis[0], torch.eye(size), atol=1e-4, rtol=0)
        values = (basis[0].T @ covariance[0] @ basis[0]).diagonal()
        assert values[0] >= 0.9 * values.max()


def test_no_step_is_larger_than_three_rates():
    """A direction without gradient so far that wakes up would take 20 without the cut."""
    x = torch.zeros(5, requires_grad=True)
    optimiser = Soap([x], [1.0])
    for step in range(200):
        x.grad = torch.zeros(5)
        x.grad[4] = 1000.0 * (step == 199)
        before = x.detach().clone()
        optimiser.step(0.01)
        assert (x.detach() - before).abs().max() <= 0.03 + 1e-6


def test_same_path_every_time():
    paths = []
    for _ in range(2):
        x = torch.zeros(10, 14, requires_grad=True)
        paths.append((descend(x, Soap([x], [1.0]).step, 40), x.detach().clone()))
    assert paths[0][0] == paths[1][0]
    assert torch.equal(paths[0][1], paths[1][1])


def test_a_stack_is_stepped_tensor_by_tensor():
    # Square: a direction that gradients leave out is stepped by their last digits, and these are a
    # machine's.
    alone = [random(4, 4, seed=i).requires_grad_() for i in range(2)]
    stack = torch.stack([x.detach() for x in alone]).requires_grad_()
    vectors = torch.zeros(2, 5, requires_grad=True)

    def loss(x):
        return (x.reshape(-1, 4, 4) @ RIGHT[:4, :4]).square().sum(dim=(1, 2)).pow(0.7).sum()

    apart, together = Soap(alone, [1.0, 1.0]), Soap([stack, vectors], [1.0, 1.0], [True, True])
    for _ in range(15):
        for x in (*alone, stack, vectors):
            x.grad = None
        (sum(loss(x) for x in alone) + loss(stack) + vectors.sum()).backward()
        apart.step(0.01)
        together.step(0.01)
    assert torch.allclose(torch.stack(alone), stack, atol=1e-6)
    assert not torch.equal(vectors, torch.zeros(2, 5))
