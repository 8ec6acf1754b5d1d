"""What each job asks a cluster for. It follows from the rows of its shard, and grows with every retry."""

# The spiked controls are never more.
SMALL_SET = 1000


def rows_of(wildcards, stage):
    """Rows a job works on, at most."""
    if getattr(wildcards, "set", "library") == "controls":
        return SMALL_SET
    if stage == "ingest":
        return job_rows(PLAN.config, stage, library_bytes=PLAN.library_bytes)
    if stage in ("prepare", "triage"):
        # A thousand jobs must not look through a folder of a thousand files each.
        return job_rows(PLAN.config, stage)
    # Before the library was read, it counts as one shard.
    shards = len(list(Path(f"{PLAN.work}/library/records").glob("*.parquet")))
    return job_rows(PLAN.config, stage, shards)


def memory_of(stage):
    """MB of memory."""
    return lambda wildcards, threads, attempt: memory_mb(
        stage,
        rows_of(wildcards, stage),
        threads=threads,
        attempt=attempt,
        shard_rows=PLAN.config.ingest.shard_size,
    )


def time_of(stage):
    """Minutes."""
    return lambda wildcards, threads, attempt: runtime_min(
        stage,
        rows_of(wildcards, stage),
        threads=threads,
        attempt=attempt,
        conformers=most_conformers(wildcards),
    )
