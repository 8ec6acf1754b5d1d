"""What a compute node has; the job of :mod:`molsieve.cluster.probe` runs this file there, outside the package.

Usage: python node_report.py FILE
"""

import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any


def report() -> dict[str, Any]:
    """Facts as JSON values; what cannot be imported is named with the reason."""
    facts: dict[str, Any] = {
        "host": socket.gethostname(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "cuda_visible_devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
    }
    try:
        import molsieve

        facts["molsieve"] = molsieve.__version__
        facts["molsieve_folder"] = str(Path(molsieve.__file__).parent)
        import torch

        facts["torch"] = torch.__version__
        facts["torch_cuda"] = torch.version.cuda
        facts["gpus"] = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        if facts["gpus"]:
            # Only a computation shows that driver, build and card fit together.
            torch.ones(2, device="cuda").sum().item()
    except Exception as error:
        facts["error"] = f"{type(error).__name__}: {error}"
    return facts


if __name__ == "__main__":
    target = Path(sys.argv[1])
    written = target.with_suffix(".part")
    written.write_text(json.dumps({**report(), "clock": time.time()}))
    written.rename(target)
