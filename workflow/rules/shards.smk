"""Which shards and chunks a set consists of, and the files that makes."""


def shards_of(set_name):
    """Shards of the library are known once it was read; the controls are one."""
    if set_name == "controls":
        return ["00000"]
    records = checkpoints.ingest.get().output.records
    return sorted(glob_wildcards(f"{records}/{{shard,[0-9]+}}.parquet").shard)


def folder_of_set(wildcards):
    return f"{PLAN.work}/{wildcards.set}"


def prepared_shards(wildcards):
    return collect(
        "<work>/{{set}}/prepared/{shard}.parquet", shard=shards_of(wildcards.set)
    )


def triage_shards(wildcards):
    return collect(
        "<work>/{{set}}/triage/{shard}.parquet", shard=shards_of(wildcards.set)
    )


def library_triage_shards(wildcards):
    return collect("<work>/library/triage/{shard}.parquet", shard=shards_of("library"))


def chunks_of_set(wildcards):
    """Chunks of a shortlist, which follow from the configuration alone; the controls are one."""
    return 1 if wildcards.set == "controls" else PLAN.chunks


def chunk_number(wildcards):
    return int(wildcards.chunk)


def refined_chunks(set_name):
    chunks = 1 if set_name == "controls" else PLAN.chunks
    numbers = [f"{chunk:05d}" for chunk in range(chunks)]
    return collect(f"<work>/{set_name}/refined/{{chunk}}.parquet", chunk=numbers)


def refined_of_set(wildcards):
    return refined_chunks(wildcards.set)


def model_options(wildcards, input):
    """The models as the command line takes them."""
    return as_options([Path(file).parent for file in input.models])


def conformers_of_set(wildcards):
    """Of the library the best survivors get conformers, of the controls all."""
    return f"--conformers {most_conformers(wildcards)}{' --known-too' * (wildcards.set == 'controls')}"


def most_conformers(wildcards):
    if getattr(wildcards, "set", "library") == "controls":
        return SMALL_SET
    return PLAN.config.inspect.conformers


def control_files(wildcards):
    """What the controls leave behind; nothing in a run without them."""
    names = ("controls.parquet", "decoys.parquet", "judgement.json")
    return collect("<work>/{name}", name=names) if PLAN.controls else []
