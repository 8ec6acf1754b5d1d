import numpy as np
import torch

from molsieve.models.network import NetworkShape, SparseNetwork
from molsieve.models.stored_network import as_stored


def test_rounding_to_the_stored_form_is_small_and_done_once():
    torch.manual_seed(0)
    network = SparseNetwork(NetworkShape(rows=200, descriptors=2, members=3, width=16, hidden=4, endpoints=2))
    stored = as_stored(network)
    error = (stored.embedding - network.embedding).abs().max() / network.embedding.abs().max()
    assert 0 < error < 0.075
    torch.testing.assert_close(as_stored(stored).embedding, stored.embedding, rtol=0, atol=1e-4)
    assert np.array_equal(stored.heads.weight.detach(), network.heads.weight.detach())
