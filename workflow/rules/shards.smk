"""Which shards a set consists of, and the files that makes."""


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
