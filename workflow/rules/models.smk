"""Predictions: the sparse network for every compound, the nearest training molecule for the shortlist."""


rule triage:
    input:
        prepared="<work>/{set}/prepared/{shard}.parquet",
        duplicates="<work>/{set}/duplicates.parquet",
        model=PLAN.model / "model.json",
    output:
        triage="<work>/{set}/triage/{shard}.parquet",
        summary="<work>/summary/triage-{set}-{shard}.json",
    log:
        "<work>/logs/triage-{set}-{shard}.log",
    conda:
        "../../envs/molsieve.yaml"
    threads: PLAN.config.triage.threads
    params:
        model=subpath(input.model, parent=True),
        device=PLAN.config.triage.device,
        batch_size=PLAN.config.triage.batch_size,
        code=PLAN.code("triage"),
    shell:
        "python -m molsieve triage {input.prepared:q} {output.triage:q} --duplicates {input.duplicates:q}"
        " --model {params.model:q} --device {params.device} --batch-size {params.batch_size} --threads {threads}"
        " --summary {output.summary:q} 2> {log:q}"


rule neighbours:
    input:
        shortlist="<work>/{set}/shortlist.parquet",
        model=PLAN.model / "model.json",
    output:
        "<work>/{set}/neighbours.parquet",
    log:
        "<work>/logs/neighbours-{set}.log",
    conda:
        "../../envs/molsieve.yaml"
    threads: PLAN.config.triage.threads
    params:
        model=subpath(input.model, parent=True),
        code=PLAN.code("neighbours"),
    shell:
        "python -m molsieve neighbours {input.shortlist:q} {output:q} --model {params.model:q} --threads {threads}"
        " 2> {log:q}"


rule predict_library:
    """Target: stop after the predictions of the whole library."""
    input:
        library_triage_shards,
