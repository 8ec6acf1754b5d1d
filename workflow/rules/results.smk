"""What a run leaves behind: the report, and the result set that is published whole or not at all."""


rule report:
    input:
        scores="<work>/scores",
        hits="<work>/hits.parquet",
        passed_over="<work>/passed_over.parquet",
        controls=control_files,
    output:
        report="<work>/report.html",
    log:
        "<work>/logs/report.log",
    localrule: True
    conda:
        "../../envs/molsieve.yaml"
    params:
        work=subpath(input.hits, parent=True),
        config=PLAN.settings,
        code=PLAN.code("report"),
    shell:
        "python -m molsieve report {params.work:q} {output.report:q} --config {params.config:q} 2> {log:q}"


rule publish:
    input:
        report="<work>/report.html",
        scores="<work>/scores",
        hits="<work>/hits.parquet",
        passed_over="<work>/passed_over.parquet",
        controls=control_files,
    output:
        # Publishing replaces the whole folder; an older result set stays until then, and when publishing fails.
        update("<results>/checksums.sha256"),
    log:
        "<work>/logs/publish.log",
    conda:
        "../../envs/molsieve.yaml"
    resources:
        mem_mb=memory_of("publish"),
        runtime=time_of("publish"),
    params:
        work=subpath(input.hits, parent=True),
        results=subpath(output[0], parent=True),
        config=PLAN.settings,
        inchikey_limit=PLAN.config.results.inchikey_limit,
        code=PLAN.code("publish"),
    shell:
        "python -m molsieve publish {params.work:q} {params.results:q} --config {params.config:q}"
        " --report {input.report:q} --inchikey-limit {params.inchikey_limit} 2> {log:q}"
