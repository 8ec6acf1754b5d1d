"""Grades of the explanations: are the right atoms named? Eight minutes beside other work on 2 cores.

Trains small models for it on the curated table (``snakemake train`` makes the inputs), never on the molecules that are
explained. ``training/explanation_grades.py`` says what the grades mean.

    python benchmarks/explanations.py [--out benchmarks/explanations.json]
"""

import argparse
import json
import time
from pathlib import Path

import torch

from molsieve.files import write_text
from molsieve.models.qprf import METHOD
from molsieve.training.curation import read_table
from molsieve.training.data import read_rich, training_data
from molsieve.training.datasets import load_registry
from molsieve.training.explanation_benchmark import mutagenicity_grades, synthetic_grades
from molsieve.training.splits import read_folds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--registry", type=Path, default=Path("config/datasets.yaml"))
    parser.add_argument("--table", type=Path, default=Path("training/curated.parquet"))
    parser.add_argument("--rich", type=Path, default=Path("training/rich.safetensors"))
    parser.add_argument("--splits", type=Path, default=Path("training/splits.parquet"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/explanations.json"))
    arguments = parser.parse_args()
    started = time.perf_counter()
    torch.set_num_threads(1)  # the networks are then the same again on the same machine
    endpoints = load_registry(arguments.registry).endpoints
    data = training_data(read_table(arguments.table, endpoints), endpoints, read_rich(arguments.rich))

    def say(line: str) -> None:
        print(f"{time.perf_counter() - started:5.0f} s  {line}", flush=True)

    grades = {
        "method": METHOD,
        "mutagenicity": mutagenicity_grades(data, read_folds(arguments.splits, "scaffold"), say),
        "synthetic": synthetic_grades(data, say),
    }
    write_text(arguments.out, json.dumps(grades, indent=1) + "\n")
    say(f"written to {arguments.out}")


if __name__ == "__main__":
    main()
