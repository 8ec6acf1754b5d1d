"""Where predictions are computed: on the GPU when there is one, never silently on less than was asked for."""

import torch

from molsieve.errors import MolsieveError


def choose_device(device: str) -> str:
    """Device to predict on.

    Args:
        device: ``auto`` (CUDA when there is one), ``cpu`` or ``cuda``.

    Raises:
        MolsieveError: CUDA is asked for and absent; nothing slower is used silently.

    """
    if device not in {"auto", "cpu", "cuda"}:
        raise MolsieveError(f"There is no device '{device}'.", where="device", fix="Give auto, cpu or cuda.")
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise MolsieveError(
            "A GPU was asked for (device: cuda), but torch finds none.",
            where="device",
            fix="Use device: auto or cpu, or run where nvidia-smi shows a GPU and torch is built with CUDA.",
        )
    return "cuda" if device != "cpu" and available else "cpu"


def device_name(device: str) -> str:
    """Name of a device for people: the GPU's own, or the number of CPU threads."""
    return f"cuda ({torch.cuda.get_device_name()})" if device == "cuda" else f"cpu ({torch.get_num_threads()} threads)"
