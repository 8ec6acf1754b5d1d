"""From predictions to ranked hits, on Dask."""


rule shortlist:
    input:
        triage=triage_shards,
        profile=PLAN.profile,
        priorities=PLAN.priorities,
        models=collect("{model}/checksums.sha256", model=PLAN.all_models),
    output:
        "<work>/{set}/shortlist.parquet",
    log:
        "<work>/logs/shortlist-{set}.log",
    conda:
        "../../envs/molsieve.yaml"
    threads: PLAN.config.dask.workers
    resources:
        mem_mb=memory_of("shortlist"),
        runtime=time_of("shortlist"),
        dask=PLAN.config.dask.scheduler,
        tasks=1,
    params:
        folder=folder_of_set,
        models=model_options,
        size=PLAN.config.shortlist.size,
        audit=PLAN.config.shortlist.audit,
        seed=PLAN.config.seed,
        code=PLAN.code("shortlist"),
    shell:
        "python -m molsieve shortlist {params.folder:q} {output:q} --profile {input.profile:q} {params.models:q}"
        " --size {params.size}"
        " --audit {params.audit} --seed {params.seed}"
        " --scheduler {resources.dask:q} --workers $(({threads} * {resources.tasks})) 2> {log:q}"


rule inspect:
    input:
        shortlist="<work>/{set}/shortlist.parquet",
        refined=refined_of_set,
        reference=PLAN.reference,
        profile=PLAN.profile,
        priorities=PLAN.priorities,
        models=collect("{model}/checksums.sha256", model=PLAN.all_models),
        patterns=PLAN.structure_patterns,
        shapes=PLAN.control_shapes,
    output:
        "<work>/{set}/inspected.parquet",
    log:
        "<work>/logs/inspect-{set}.log",
    conda:
        "../../envs/molsieve.yaml"
    threads: PLAN.config.dask.workers
    resources:
        mem_mb=memory_of("inspect"),
        runtime=time_of("inspect"),
        dask=PLAN.config.dask.scheduler,
        tasks=1,
    params:
        folder=folder_of_set,
        models=model_options,
        conformers=conformers_of_set,
        timeout_s=PLAN.config.inspect.timeout_s,
        code=PLAN.code("inspect"),
    shell:
        "python -m molsieve inspect {input.shortlist:q} {params.folder:q}/refined {output:q}"
        " --reference {input.reference:q} {params.models:q} --profile {input.profile:q}"
        " {params.conformers} --computed {input.shapes:q}"
        " --timeout-s {params.timeout_s}"
        " --scheduler {resources.dask:q} --workers $(({threads} * {resources.tasks})) 2> {log:q}"


rule score:
    input:
        triage=library_triage_shards,
        refined=refined_chunks("library"),
        inspected="<work>/library/inspected.parquet",
        profile=PLAN.profile,
        priorities=PLAN.priorities,
        models=collect("{model}/checksums.sha256", model=PLAN.all_models),
    output:
        scores=directory("<work>/scores"),
        summary="<work>/summary/score.json",
    log:
        "<work>/logs/score.log",
    conda:
        "../../envs/molsieve.yaml"
    threads: PLAN.config.dask.workers
    resources:
        mem_mb=memory_of("score"),
        runtime=time_of("score"),
        dask=PLAN.config.dask.scheduler,
        tasks=1,
    params:
        folder=subpath(input.inspected, parent=True),
        models=model_options,
        hits=PLAN.config.select.hits,
        code=PLAN.code("score"),
    shell:
        "python -m molsieve score {params.folder:q} {output.scores:q} --profile {input.profile:q}"
        " {params.models:q} --hits {params.hits}"
        " --scheduler {resources.dask:q} --workers $(({threads} * {resources.tasks})) --summary {output.summary:q} 2> {log:q}"


rule select:
    input:
        scores="<work>/scores",
        inspected="<work>/library/inspected.parquet",
        profile=PLAN.profile,
        models=collect("{model}/checksums.sha256", model=PLAN.all_models),
    output:
        hits="<work>/hits.parquet",
        passed_over="<work>/passed_over.parquet",
        summary="<work>/summary/select.json",
    log:
        "<work>/logs/select.log",
    localrule: True
    conda:
        "../../envs/molsieve.yaml"
    params:
        folder=subpath(input.inspected, parent=True),
        models=model_options,
        hits=PLAN.config.select.hits,
        max_similarity=PLAN.config.select.max_similarity,
        scaffold_cap=PLAN.config.select.scaffold_cap,
        cluster_similarity=PLAN.config.select.cluster_similarity,
        code=PLAN.code("select"),
    shell:
        "python -m molsieve select {params.folder:q} {output.hits:q} --scores {input.scores:q}"
        " --passed-over {output.passed_over:q} --profile {input.profile:q} {params.models:q} --hits {params.hits}"
        " --max-similarity {params.max_similarity} --scaffold-cap {params.scaffold_cap}"
        " --cluster-similarity {params.cluster_similarity} --summary {output.summary:q} 2> {log:q}"


rule controls:
    input:
        triage="<work>/controls/triage/00000.parquet",
        refined=refined_chunks("controls"),
        inspected="<work>/controls/inspected.parquet",
        scores="<work>/scores",
        controls=PLAN.controls or [],
        profile=PLAN.profile,
        priorities=PLAN.priorities,
        models=collect("{model}/checksums.sha256", model=PLAN.all_models),
    output:
        controls="<work>/controls.parquet",
        decoys="<work>/decoys.parquet",
        judgement="<work>/judgement.json",
        summary="<work>/summary/controls.json",
    log:
        "<work>/logs/controls.log",
    conda:
        "../../envs/molsieve.yaml"
    resources:
        mem_mb=memory_of("controls"),
        runtime=time_of("controls"),
    params:
        folder=subpath(input.inspected, parent=True),
        library=f"{PLAN.work}/library",
        models=model_options,
        code=PLAN.code("controls"),
    shell:
        "python -m molsieve controls {params.folder:q} {output.controls:q} --library {params.library:q}"
        " --scores {input.scores:q} --controls {input.controls:q} --profile {input.profile:q} {params.models:q}"
        " --decoys {output.decoys:q} --judgement {output.judgement:q} --summary {output.summary:q} 2> {log:q}"
