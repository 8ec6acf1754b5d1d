"""Training: dataset registry, curation, frozen splits, fitting, evaluation and model cards."""
