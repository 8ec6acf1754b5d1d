"""Predictions: the sparse network for every compound, the reference models for the shortlist."""


rule triage:
    input:
        prepared="<work>/{set}/prepared/{shard}.parquet",
        duplicates="<work>/{set}/duplicates.parquet",
        models=collect("{model}/checksums.sha256", model=PLAN.triage_models),
    output:
        triage="<work>/{set}/triage/{shard}.parquet",
        summary="<work>/summary/triage-{set}-{shard}.json",
    log:
        "<work>/logs/triage-{set}-{shard}.log",
    conda:
        "../../envs/molsieve.yaml"
    threads: PLAN.config.triage.threads
    resources:
        mem_mb=memory_of("triage"),
        runtime=time_of("triage"),
    params:
        models=model_options,
        device=PLAN.config.triage.device,
        batch_size=PLAN.config.triage.batch_size,
        code=PLAN.code("triage"),
    shell:
        "python -m molsieve triage {input.prepared:q} {output.triage:q} --duplicates {input.duplicates:q}"
        " {params.models:q} --device {params.device} --batch-size {params.batch_size} --threads {threads}"
        " --summary {output.summary:q} 2> {log:q}"


rule refine:
    input:
        shortlist="<work>/{set}/shortlist.parquet",
        models=collect("{model}/checksums.sha256", model=PLAN.refine_models),
    output:
        refined="<work>/{set}/refined/{chunk}.parquet",
        summary="<work>/summary/refine-{set}-{chunk}.json",
    log:
        "<work>/logs/refine-{set}-{chunk}.log",
    conda:
        "../../envs/molsieve.yaml"
    threads: PLAN.config.refine.threads
    resources:
        mem_mb=memory_of("refine"),
        runtime=time_of("refine"),
    params:
        models=model_options,
        chunk=chunk_number,
        chunks=chunks_of_set,
        device=PLAN.config.refine.device,
        conformal_error=PLAN.config.refine.conformal_error,
        code=PLAN.code("refine"),
    shell:
        "python -m molsieve refine {input.shortlist:q} {output.refined:q} {params.models:q} --chunk {params.chunk}"
        " --chunks {params.chunks} --device {params.device} --threads {threads}"
        " --conformal-error {params.conformal_error} --summary {output.summary:q} 2> {log:q}"


rule predict_library:
    """Target: stop after the predictions of the whole library."""
    input:
        library_triage_shards,
