from dataclasses import replace

import numpy as np
import torch
from tests.unit.models.conftest import KNOWN, TINY_TRUST, prepared_table, tiny_info, tiny_part, tiny_record

from molsieve.models.features import features_of
from molsieve.models.network import with_heads
from molsieve.models.predict import predict
from molsieve.models.store import load_model, save_model, weights_bytes
from molsieve.models.vocabulary import Vocabulary


def test_a_network_may_predict_some_endpoints_alone(tiny_model, tmp_path):
    model = load_model(tiny_model)
    whole = model.networks[0]
    second = replace(whole, network=with_heads(whole.network, np.array([1])), predicts=np.array([False, True, False]))
    facts = model.info.networks[0]
    both = (
        facts,
        facts.model_copy(update={"shape": second.network.shape, "endpoints": (1,), "learned": ("activity",)}),
    )
    stack = {"kills": (1.0, 0.0), "harms": (0.5, 0.5), "dose": (1.0, 0.0)}
    info = model.info.model_copy(update={"networks": both, "stack": stack})
    save_model(tmp_path, info, TINY_TRUST, weights_bytes([whole, second], None, model.record), "card\n", "{}")
    again = load_model(tmp_path)
    features = features_of(prepared_table(KNOWN))
    expected, found = model.outputs(features), again.outputs(features)
    members = expected.shape[1]
    assert torch.equal(found[:, :members], expected)
    assert torch.equal(found[:, members:, 1], expected[:, :, 1])
    assert (found[:, members:, [0, 2]] == 0).all()
    torch.testing.assert_close(
        torch.tensor(predict(again, features).value), torch.tensor(predict(model, features).value)
    )


def test_a_stack_weighs_its_parts(tiny_model, tmp_path):
    features = features_of(prepared_table(KNOWN))
    vocabulary = Vocabulary.of_training(features, 1)
    parts = [tiny_part(features, vocabulary, seed) for seed in (1, 2)]
    weights = {"kills": (1.0, 0.0), "harms": (0.25, 0.75), "dose": (0.5, 0.5)}
    info = tiny_info(parts, stack=weights)
    save_model(tmp_path / "two", info, TINY_TRUST, weights_bytes(parts, None, tiny_record()), "card", "{}")
    model = load_model(tmp_path / "two")
    mean = (model.outputs(features) * model.member_weights).sum(dim=1)
    first, second = (part.outputs(features).mean(dim=1) for part in parts)
    torch.testing.assert_close(mean[:, 0], first[:, 0])
    torch.testing.assert_close(mean[:, 1], 0.25 * first[:, 1] + 0.75 * second[:, 1])
