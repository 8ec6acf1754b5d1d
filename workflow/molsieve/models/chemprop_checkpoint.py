"""Reading a chemprop 2 checkpoint without running anything that is in it.

A checkpoint is a pickle, and a pickle can name any function of Python to be called when it is read. Here it is read by
torch's restricted unpickler, and every name in it, chemprop's own included, stands for an empty placeholder: objects
become their class name and their attributes, and no code of theirs runs. A checkpoint that names anything but chemprop
and what chemprop is built on is refused; with ``trust`` such names become placeholders too.
"""

import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from molsieve.errors import MolsieveError
from molsieve.models.chemprop_network import (
    ACTIVATIONS,
    AGGREGATIONS,
    MESSAGE_PASSING,
    PREDICTORS,
    GraphNetworkFacts,
)

# What chemprop and Lightning write into their checkpoints.
_ALLOWED = ("chemprop.", "torchmetrics.", "torch.nn.", "lightning.", "pytorch_lightning.", "lightning_fabric.")
_ALLOWED_NAMES = frozenset(["pathlib.PosixPath", "pathlib.WindowsPath", "pathlib.PurePosixPath"])
_DICTIONARIES = frozenset(
    ["lightning.fabric.utilities.data.AttributeDict", "lightning_fabric.utilities.data.AttributeDict"]
)
_SHOWN = 5


class Checkpoint(NamedTuple):
    """What is kept of a checkpoint."""

    weights: dict[str, Tensor]
    """Tensors that the forward pass needs, by chemprop's names."""
    facts: GraphNetworkFacts
    task: Literal["classification", "regression"]
    outputs: tuple[str, ...]
    """Names of the network's outputs."""
    ignored: tuple[str, ...]
    """Names outside chemprop that the pickle holds; nothing was done with them."""


class _Placeholder:
    """Stands for an object of a checkpoint: its arguments and attributes, nothing of its behaviour."""

    path = ""

    def __new__(cls, *args: object, **_: object) -> "_Placeholder":
        made = object.__new__(cls)
        made.__dict__["args"] = args
        return made

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            self.__dict__.update(state)


def read_checkpoint(path: Path, *, column: str | None = None, trust: bool = False) -> Checkpoint:
    """Read a ``.pt`` or ``.ckpt`` file of chemprop 2.

    Args:
        path: The file.
        column: Which output is the endpoint; None when there is one only.
        trust: Accept names outside chemprop; they are not run either, only ignored.

    Raises:
        MolsieveError: It is no checkpoint, needs arbitrary unpickling, or holds a network of a kind that is not known.

    """
    if not path.is_file() or not zipfile.is_zipfile(path):
        raise MolsieveError(
            "This is no checkpoint of chemprop 2." if path.exists() else "There is no such file.",
            where=str(path),
            fix="Give the model_0/best.pt, or a .ckpt file, that 'chemprop train' wrote.",
        )
    content, ignored = _load(path, trust=trust)
    if not isinstance(content, Mapping) or not {"hyper_parameters", "state_dict"} <= content.keys():
        raise MolsieveError(
            "The file holds no chemprop 2 network: hyper_parameters and state_dict are not both there.",
            where=str(path),
            fix="Older checkpoints are brought up to date by 'chemprop convert'.",
        )
    hyper, state = content["hyper_parameters"], content["state_dict"]
    weights = {
        name: tensor.detach().float().contiguous()
        for name, tensor in state.items()
        if isinstance(tensor, Tensor)
        and name.startswith(("message_passing.W_", "agg.", "bn.", "predictor."))
        and not name.startswith("predictor.criterion")
    }
    names = content.get("output_columns")
    facts = _facts(hyper, weights, str(path))
    layers = [tensor for name, tensor in weights.items() if name.startswith("predictor.ffn.") and name.endswith("bias")]
    outputs = len(layers[-1]) if layers else 0
    known = tuple(map(str, names)) if isinstance(names, list | tuple) and len(names) == outputs else ()
    known = known or tuple(f"output_{i + 1}" for i in range(outputs))
    place = _column(known, column, str(path))
    facts = facts.model_copy(update={"column": place})
    return Checkpoint(weights, facts, PREDICTORS[facts.predictor], known, tuple(ignored))


def _load(path: Path, *, trust: bool) -> tuple[Any, list[str]]:
    try:
        named = sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except (RuntimeError, UnpicklingError, ValueError, KeyError, EOFError) as error:
        raise MolsieveError("The file is damaged, or no torch checkpoint.", where=str(path)) from error
    foreign = [name for name in named if not (name.startswith(_ALLOWED) or name in _ALLOWED_NAMES)]
    if foreign and not trust:
        shown = ", ".join(foreign[:_SHOWN]) + (f" and {len(foreign) - _SHOWN} more" if len(foreign) > _SHOWN else "")
        raise MolsieveError(
            f"The checkpoint asks for functions or classes that no chemprop network needs: {shown}. Reading it as "
            "pickles are read could run any program on this computer.",
            where=str(path),
            fix="If you trust where it comes from, say --trust: they are left out then, never run.",
        )
    placeholders = [
        (OrderedDict if name in _DICTIONARIES else type("Placeholder", (_Placeholder,), {"path": name}), name)
        for name in named
    ]
    try:
        with torch.serialization.safe_globals(placeholders):  # type: ignore[arg-type]
            return torch.load(path, map_location="cpu", weights_only=True), foreign
    except (UnpicklingError, RuntimeError, TypeError, AttributeError, KeyError, ValueError, EOFError) as error:
        raise MolsieveError(
            "The checkpoint cannot be read without running code that is in it; it is refused.",
            where=str(path),
            fix="Save the network again with chemprop's own save_model.",
        ) from error


def _facts(hyper: Any, weights: Mapping[str, Tensor], where: str) -> GraphNetworkFacts:  # noqa: ANN401 - unpickled
    def refuse(what: str) -> MolsieveError:
        return MolsieveError(
            f"{what}; such networks cannot be used here.", where=where, fix="Train one with chemprop's defaults."
        )

    try:
        passing, aggregation, predictor = (hyper[key] for key in ("message_passing", "agg", "predictor"))
        kinds = [_class_name(part["cls"]) for part in (passing, aggregation, predictor)]
    except (KeyError, TypeError, IndexError) as error:
        raise refuse("The checkpoint does not say of which parts its network is made") from error
    for kind, known in zip(kinds, (MESSAGE_PASSING, AGGREGATIONS, PREDICTORS), strict=True):
        if kind not in known:
            raise refuse(f"The network has a {kind or 'part of an unknown kind'} (known: {', '.join(known)})")
    if hyper.get("X_d_transform") is not None or _is_wider(weights):
        raise refuse("The network takes further descriptors beside the graph")
    transforms = [passing.get("V_d_transform"), passing.get("graph_transform")]
    if passing.get("d_vd") or not all(map(_changes_nothing, transforms)):
        raise refuse("The network takes further features of atoms or bonds")
    activations = [_activation(part.get("activation", "relu")) for part in (passing, predictor)]
    for activation in activations:
        if activation not in ACTIVATIONS:
            raise refuse(f"The network's activation is {activation} (known: {', '.join(ACTIVATIONS)})")
    return GraphNetworkFacts(
        message_passing=kinds[0],
        depth=int(passing.get("depth", 3)),
        undirected=bool(passing.get("undirected", False)),
        activation=activations[0],
        aggregation=kinds[1],
        norm=float(aggregation.get("norm", 100.0)),
        predictor=kinds[2],
        predictor_activation=activations[1],
        column=0,
        atom_features=int(passing["d_v"]),
        bond_features=int(passing["d_e"]),
    )


def _is_wider(weights: Mapping[str, Tensor]) -> bool:
    """Whether the output layers see more than the vector of the molecule."""
    hidden, first = weights.get("message_passing.W_o.weight"), weights.get("predictor.ffn.0.0.weight")
    return hidden is not None and first is not None and hidden.shape[0] != first.shape[1]


def _changes_nothing(transform: object) -> bool:
    """Whether features pass it as they are; 'chemprop train' puts such a one before every network."""
    parts = [transform, *getattr(transform, "__dict__", {}).get("_modules", {}).values()]
    known = (None, "Identity", "GraphTransform")
    return all((None if part is None else _class_name(part)) in known for part in parts)


def _class_name(found: object) -> str:
    path = getattr(found, "path", "")
    return str(path).rsplit(".", 1)[-1]


def _activation(found: object) -> str:
    """Name of an activation given as text, as chemprop's enumeration or as a module of torch."""
    if isinstance(found, _Placeholder):
        arguments = found.__dict__.get("args", ())
        text = arguments[0] if arguments and isinstance(arguments[0], str) else _class_name(type(found))
        if _class_name(type(found)).casefold() == "leakyrelu" and found.__dict__.get("negative_slope") != 0.1:
            return "LeakyReLU with another slope than 0.1"
    else:
        text = str(found)
    return str(text).casefold()


def _column(known: tuple[str, ...], column: str | None, where: str) -> int:
    if column is None and len(known) == 1:
        return 0
    if column is None or column not in known:
        what = "The network has several outputs" if column is None else f"The network has no output {column!r}"
        raise MolsieveError(f"{what}: {', '.join(known)}.", where=where, fix="Name one of them with --column.")
    return known.index(column)
