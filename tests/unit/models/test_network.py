import numpy as np
import pytest
import torch

from molsieve.models.features import SparseFeatures
from molsieve.models.network import NetworkShape, SparseNetwork, masked_loss, network_outputs

SHAPE = NetworkShape(rows=50, descriptors=3, members=4, width=8, hidden=6, endpoints=5)


def features(n=30, seed=0):
    random = np.random.default_rng(seed)
    lengths = random.integers(0, 12, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    nnz = int(offsets[-1])
    return SparseFeatures(
        random.integers(0, 50, nnz).astype(np.uint32),
        random.integers(1, 9, nnz).astype(np.uint8),
        offsets,
        random.normal(size=(n, 3)).astype(np.float32),
    )


def network(seed=0):
    torch.manual_seed(seed)
    net = SparseNetwork(SHAPE).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    net.embedding.data[0] = 0.0
    return net


def outputs(net, part, batch_size=7):
    return network_outputs(net, part, part.ids.astype(np.int64), batch_size=batch_size)


def test_one_pass_gives_what_each_member_gives_alone():
    net, data = network(), features()
    together = outputs(net, data)
    alone_shape = NetworkShape(rows=50, descriptors=3, members=1, width=8, hidden=6, endpoints=5)
    for m in range(SHAPE.members):
        alone = SparseNetwork(alone_shape).eval()
        columns = slice(8 * m, 8 * (m + 1))
        state = net.state_dict()
        state["embedding"] = state["embedding"][:, columns]
        state["descriptor_layer.weight"] = state["descriptor_layer.weight"][columns]
        state["descriptor_layer.bias"] = state["descriptor_layer.bias"][columns]
        for name in ("hidden.weight", "hidden.bias", "heads.weight", "heads.bias"):
            state[name] = state[name][m : m + 1]
        alone.load_state_dict(state)
        torch.testing.assert_close(outputs(alone, data)[:, 0], together[:, m], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 3, 1000])
def test_the_batch_size_does_not_matter(batch_size):
    net, data = network(), features()
    torch.testing.assert_close(outputs(net, data, batch_size), outputs(net, data, 30), rtol=0, atol=1e-5)


def test_row_zero_adds_nothing():
    net, data = network(), features()
    rows = data.ids.astype(np.int64)
    rows[rows == 13] = 0
    without = np.flatnonzero(data.ids != 13)
    thinned = SparseFeatures(
        data.ids[without],
        data.counts[without],
        np.concatenate([[0], np.cumsum(np.bincount(data.molecule_of_bit()[without], minlength=30))]),
        data.descriptors,
    )
    expected = network_outputs(net, thinned, thinned.ids.astype(np.int64), batch_size=8)
    torch.testing.assert_close(network_outputs(net, data, rows, batch_size=8), expected)


def test_missing_labels_pass_no_gradient():
    out = torch.randn(6, 2, 3, requires_grad=True)
    targets = torch.tensor([[1.0, torch.nan, 0.5]] * 3 + [[torch.nan, 0.0, torch.nan]] * 3)
    is_regression = torch.tensor([False, False, True])
    masked_loss(out, targets, torch.ones(3), is_regression).backward()
    has_gradient = out.grad.abs().sum(dim=1) > 0
    assert torch.equal(has_gradient, ~targets.isnan())


def test_the_loss_is_the_weighted_mean_over_measured_cells():
    out = torch.zeros(2, 1, 2)
    targets = torch.tensor([[1.0, torch.nan], [0.0, 3.0]])
    loss = masked_loss(out, targets, torch.tensor([1.0, 10.0]), torch.tensor([False, True]))
    assert loss.item() == pytest.approx((2 * np.log(2) + 10 * (3 - 0.5)) / 2, rel=1e-6)


def test_members_can_be_weighted_apart():
    out = torch.zeros(2, 2, 1, requires_grad=True)
    weights = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    masked_loss(out, torch.ones(2, 1), torch.ones(1), torch.tensor([False]), weights).backward()
    assert (out.grad[:, :, 0] != 0).tolist() == [[True, False], [False, True]]


def test_the_unknown_row_learns_nothing():
    torch.manual_seed(0)
    net, data = SparseNetwork(SHAPE).train(), features()
    rows = torch.from_numpy(data.ids.astype(np.int64) % 3)
    out = net(rows, torch.ones(len(rows)), torch.from_numpy(data.offsets[:-1]), torch.from_numpy(data.descriptors))
    out.sum().backward()
    assert net.embedding.grad[0].abs().sum() == 0
    assert net.embedding.grad[1].abs().sum() > 0
    assert net.embedding[0].abs().sum() == 0
