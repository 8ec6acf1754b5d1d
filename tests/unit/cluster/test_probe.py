import json
import subprocess
import sys
from pathlib import Path

import torch

from molsieve import __version__
from molsieve.cluster import node_report


def test_a_node_reports_what_it_has(tmp_path):
    answer = tmp_path / "0.json"
    subprocess.run([sys.executable, node_report.__file__, str(answer)], check=True)
    facts = json.loads(answer.read_text())
    assert (facts["molsieve"], facts["torch"]) == (__version__, torch.__version__)
    assert facts["gpus"] == [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]


def test_a_node_without_molsieve_says_so(tmp_path):
    # -S -E: no site packages and no PYTHONPATH, as in another installation.
    script = Path(node_report.__file__).read_text()
    answer = tmp_path / "0.json"
    subprocess.run([sys.executable, "-S", "-E", "-", str(answer)], input=script, text=True, check=True, cwd=tmp_path)
    assert json.loads(answer.read_text())["error"] == "ModuleNotFoundError: No module named 'molsieve'"
