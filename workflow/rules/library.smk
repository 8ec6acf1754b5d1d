"""From files to standardised, deduplicated compounds."""


checkpoint ingest:
    input:
        PLAN.library_files,
    output:
        records=directory("<work>/library/records"),
        summary="<work>/summary/ingest.json",
    log:
        "<work>/logs/ingest.log",
    conda:
        "../../envs/molsieve.yaml"
    resources:
        mem_mb=memory_of("ingest"),
        runtime=time_of("ingest"),
    params:
        libraries=PLAN.library_arguments,
        shard_size=PLAN.config.ingest.shard_size,
        code=PLAN.code("ingest"),
    shell:
        "python -m molsieve ingest {params.libraries:q} --out {output.records:q} --shard-size {params.shard_size}"
        " --summary {output.summary:q} 2> {log:q}"


rule ingest_controls:
    input:
        PLAN.controls or [],
    output:
        records="<work>/controls/records/00000.parquet",
    log:
        "<work>/logs/ingest-controls.log",
    localrule: True
    conda:
        "../../envs/molsieve.yaml"
    params:
        folder=subpath(output.records, parent=True),
        code=PLAN.code("ingest"),
    shell:
        "python -m molsieve ingest {input:q}::structure_column=smiles,id_column=name --out {params.folder:q} 2> {log:q}"


rule prepare:
    input:
        "<work>/{set}/records/{shard}.parquet",
    output:
        prepared="<work>/{set}/prepared/{shard}.parquet",
        summary="<work>/summary/prepare-{set}-{shard}.json",
    log:
        "<work>/logs/prepare-{set}-{shard}.log",
    conda:
        "../../envs/molsieve.yaml"
    threads: PLAN.config.prepare.threads
    resources:
        mem_mb=memory_of("prepare"),
        runtime=time_of("prepare"),
    params:
        min_heavy_atoms=PLAN.config.prepare.min_heavy_atoms,
        max_heavy_atoms=PLAN.config.prepare.max_heavy_atoms,
        timeout_s=PLAN.config.prepare.timeout_s,
        code=PLAN.code("prepare"),
    shell:
        "python -m molsieve prepare {input:q} {output.prepared:q} --workers {threads} --timeout-s {params.timeout_s}"
        " --min-heavy-atoms {params.min_heavy_atoms} --max-heavy-atoms {params.max_heavy_atoms}"
        " --summary {output.summary:q} 2> {log:q}"


rule deduplicate:
    input:
        prepared_shards,
    output:
        duplicates="<work>/{set}/duplicates.parquet",
        summary="<work>/summary/deduplicate-{set}.json",
    log:
        "<work>/logs/deduplicate-{set}.log",
    conda:
        "../../envs/molsieve.yaml"
    threads: PLAN.config.dask.workers
    resources:
        mem_mb=memory_of("deduplicate"),
        runtime=time_of("deduplicate"),
        dask=PLAN.config.dask.scheduler,
        tasks=1,
    params:
        folder=subpath(input[0], parent=True),
        max_rejected_fraction=PLAN.config.prepare.max_rejected_fraction,
        code=PLAN.code("deduplicate"),
    shell:
        "python -m molsieve deduplicate {params.folder:q} {output.duplicates:q}"
        " --max-rejected-fraction {params.max_rejected_fraction}"
        " --scheduler {resources.dask:q} --workers $(({threads} * {resources.tasks}))"
        " --summary {output.summary:q} 2> {log:q}"
