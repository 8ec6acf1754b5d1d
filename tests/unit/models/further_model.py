"""A second model: a copy of the first under other names."""

import json
import shutil

from molsieve.models.store import write_checksums


def renamed(folder, target, prefix="my_"):
    """Copy a model with ``prefix`` before the names of its endpoints."""
    shutil.copytree(folder, target)
    info = json.loads((target / "model.json").read_text())
    for endpoint in info["endpoints"]:
        endpoint["name"] = prefix + endpoint["name"]
    for key in ("stack", "scales", "metrics"):
        info[key] = {prefix + name: value for name, value in info[key].items()}
    trust = json.loads((target / "trust.json").read_text())
    trust = {key: {prefix + name: value for name, value in entries.items()} for key, entries in trust.items()}
    (target / "model.json").write_text(json.dumps(info))
    (target / "trust.json").write_text(json.dumps(trust))
    write_checksums(target)
    return target
