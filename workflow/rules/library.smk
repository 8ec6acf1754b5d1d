"""From files to standardised, deduplicated compounds."""


def shards(wildcards):
    """Shards of a set; those of the library are known once it was read."""
    if wildcards.set == "controls":
        return ["00000"]
    records = checkpoints.ingest.get().output.records
    return sorted(glob_wildcards(f"{records}/{{shard,[0-9]+}}.parquet").shard)


def prepared_shards(wildcards):
    return collect("<work>/{{set}}/prepared/{shard}.parquet", shard=shards(wildcards))


checkpoint ingest:
    input:
        PLAN.library_files,
    output:
        records=directory("<work>/library/records"),
        summary="<work>/summary/ingest.json",
    log:
        "<work>/logs/ingest.log",
    params:
        libraries=PLAN.library_arguments,
        shard_size=PLAN.config.ingest.shard_size,
        code=PLAN.code("ingest"),
    conda:
        "../../envs/molsieve.yaml"
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
    params:
        folder=lambda wildcards, output: Path(output.records).parent,
        code=PLAN.code("ingest"),
    conda:
        "../../envs/molsieve.yaml"
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
    params:
        min_heavy_atoms=PLAN.config.prepare.min_heavy_atoms,
        max_heavy_atoms=PLAN.config.prepare.max_heavy_atoms,
        timeout_s=PLAN.config.prepare.timeout_s,
        code=PLAN.code("prepare"),
    threads: PLAN.config.prepare.threads
    conda:
        "../../envs/molsieve.yaml"
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
    params:
        folder=PLAN.work + "/{set}/prepared",
        max_rejected_fraction=PLAN.config.prepare.max_rejected_fraction,
        scheduler=PLAN.config.dask.scheduler,
        code=PLAN.code("deduplicate"),
    threads: PLAN.config.dask.workers
    conda:
        "../../envs/molsieve.yaml"
    shell:
        "python -m molsieve deduplicate {params.folder:q} {output.duplicates:q}"
        " --max-rejected-fraction {params.max_rejected_fraction} --scheduler {params.scheduler:q} --workers {threads}"
        " --summary {output.summary:q} 2> {log:q}"
