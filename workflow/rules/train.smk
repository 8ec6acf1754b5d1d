"""Training: from the dataset registry to the shipped models. Target: `snakemake train`.

Every part of every fold is a job of its own, so an interrupted training goes on where it stopped. Data come from
MOLSIEVE_DATA_MIRROR where it is set, else from the registry's URLs. Evaluating and assembling, which take minutes, run
again when their code changes; what takes hours is trained anew when the folder training/ is deleted.
"""

from molsieve.results.provenance import stage_code_digest

TRAIN_SEED = 20261122
TRAIN_FOLDS = range(5)
TRAIN_PARTS = ["morgan", "rich", "boosters"]
# Goes before what trains networks: glibc keeps freed memory instead of asking the kernel for it anew in every step.
KEEP_MEMORY = "export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=-1; "
# The scheme for all endpoints, and those that only the activity endpoints are predicted under.
TRAIN_SCHEMES = ["scaffold"]
ACTIVITY_SCHEMES = ["random", "random1", "random2", "random3", "cluster"]
# What is left out, or trained on alone (`molsieve training extrapolate`).
TRAIN_CASES = (
    expand(
        "class:{name}",
        name=[
            "beta-lactam",
            "macrolide",
            "quinolone",
            "tetracycline",
            "aminoglycoside",
            "cyclic_peptide",
            "nitrofuran",
            "glycopeptide",
        ],
    )
    + expand("transfer:{screen}_growth_inhibition", screen=["ecoli", "abaumannii"])
    + expand("gut:{seed}", seed=range(5))
    + expand("tox21:{seed}", seed=range(5))
)


wildcard_constraints:
    part="|".join(TRAIN_PARTS),
    scheme="|".join(TRAIN_SCHEMES),
    activity_scheme="|".join(ACTIVITY_SCHEMES),
    fold=r"\d",


rule train:
    """Both models; brings docs/models.md up to date and prints its tables."""
    input:
        models=expand(
            "resources/models/{tier}/checksums.sha256", tier=["triage", "refine"]
        ),
        stored=expand("resources/out_of_fold/{tier}.parquet", tier=["triage", "refine"]),
    log:
        "logs/training/benchmark.md",
    localrule: True
    conda:
        "../../envs/molsieve.yaml"
    params:
        models=lambda wildcards, input: Path(input.models[0]).parent.parent,
        stored=lambda wildcards, input: Path(input.stored[0]).parent,
    shell:
        "python -m molsieve training document docs/models.md --models {params.models:q}"
        " && python -m molsieve training benchmark --models {params.models:q} --stored {params.stored:q} | tee {log:q}"


rule curate_data:
    input:
        registry="config/datasets.yaml",
    output:
        table="training/curated.parquet",
        report="training/curation.json",
    log:
        "logs/training/curate.log",
    benchmark:
        "training/benchmarks/curate.tsv"
    conda:
        "../../envs/molsieve.yaml"
    threads: 2
    shell:
        "python -m molsieve training curate --registry {input.registry:q} --out {output.table:q}"
        " --report {output.report:q} --threads {threads} > {log:q} 2>&1"


rule featurise_data:
    input:
        table="training/curated.parquet",
    output:
        "training/rich.safetensors",
    log:
        "logs/training/featurise.log",
    benchmark:
        "training/benchmarks/featurise.tsv"
    conda:
        "../../envs/molsieve.yaml"
    threads: 2
    shell:
        "python -m molsieve training featurise --table {input.table:q} --out {output:q} --threads {threads}"
        " > {log:q} 2>&1"


rule split_data:
    input:
        registry="config/datasets.yaml",
        table="training/curated.parquet",
        frozen="resources/splits/folds.json",
    output:
        "training/splits.parquet",
    log:
        "logs/training/split.log",
    conda:
        "../../envs/molsieve.yaml"
    params:
        seed=TRAIN_SEED,
    shell:
        "python -m molsieve training split --registry {input.registry:q} --table {input.table:q}"
        " --frozen {input.frozen:q} --out {output:q} --seed {params.seed} > {log:q} 2>&1"


rule train_fold:
    input:
        registry="config/datasets.yaml",
        table="training/curated.parquet",
        splits="training/splits.parquet",
        rich="training/rich.safetensors",
    output:
        "training/oof/{part}-{scheme}-{fold}.safetensors",
    log:
        "logs/training/fold-{part}-{scheme}-{fold}.log",
    benchmark:
        "training/benchmarks/fold-{part}-{scheme}-{fold}.tsv"
    conda:
        "../../envs/molsieve.yaml"
    threads: 1
    params:
        seed=TRAIN_SEED,
    shell:
        KEEP_MEMORY
        + "python -m molsieve training fold {wildcards.part} --registry {input.registry:q} --table {input.table:q}"
        " --splits {input.splits:q} --rich {input.rich:q} --scheme {wildcards.scheme} --fold {wildcards.fold}"
        " --out {output:q} --seed {params.seed} --threads {threads} > {log:q} 2>&1"


rule train_activity_fold:
    """Folds that only the activity endpoints are predicted of."""
    input:
        registry="config/datasets.yaml",
        table="training/curated.parquet",
        splits="training/splits.parquet",
        rich="training/rich.safetensors",
    output:
        "training/oof/{part}-{activity_scheme}-{fold}.safetensors",
    log:
        "logs/training/fold-{part}-{activity_scheme}-{fold}.log",
    benchmark:
        "training/benchmarks/fold-{part}-{activity_scheme}-{fold}.tsv"
    conda:
        "../../envs/molsieve.yaml"
    threads: 1
    params:
        seed=TRAIN_SEED,
    shell:
        KEEP_MEMORY
        + "python -m molsieve training fold {wildcards.part} --registry {input.registry:q} --table {input.table:q}"
        " --splits {input.splits:q} --rich {input.rich:q} --scheme {wildcards.activity_scheme}"
        " --fold {wildcards.fold} --family activity"
        " --out {output:q} --seed {params.seed} --threads {threads} > {log:q} 2>&1"


rule train_student_fold:
    """The triage network, taught by the parts that did not see the fold either."""
    input:
        registry="config/datasets.yaml",
        table="training/curated.parquet",
        splits="training/splits.parquet",
        rich="training/rich.safetensors",
        teachers=expand(
            "training/oof/{part}-scaffold-{{fold}}.safetensors", part=TRAIN_PARTS
        ),
    output:
        "training/oof/student-scaffold-{fold}.safetensors",
    log:
        "logs/training/fold-student-scaffold-{fold}.log",
    benchmark:
        "training/benchmarks/fold-student-scaffold-{fold}.tsv"
    conda:
        "../../envs/molsieve.yaml"
    threads: 1
    params:
        seed=TRAIN_SEED,
        teachers=lambda wildcards, input: [
            f"--teacher={file}" for file in input.teachers
        ],
    shell:
        KEEP_MEMORY
        + "python -m molsieve training fold student --registry {input.registry:q} --table {input.table:q}"
        " --splits {input.splits:q} --rich {input.rich:q} --scheme scaffold --fold {wildcards.fold} {params.teachers:q}"
        " --out {output:q} --seed {params.seed} --threads {threads} > {log:q} 2>&1"


rule train_baseline:
    input:
        registry="config/datasets.yaml",
        table="training/curated.parquet",
        splits="training/splits.parquet",
    output:
        "training/baselines/{scheme}-{fold}.safetensors",
    log:
        "logs/training/baseline-{scheme}-{fold}.log",
    benchmark:
        "training/benchmarks/baseline-{scheme}-{fold}.tsv"
    conda:
        "../../envs/molsieve.yaml"
    threads: 1
    params:
        seed=TRAIN_SEED,
        code=stage_code_digest("molsieve.training.baselines"),
    shell:
        "python -m molsieve training baseline --registry {input.registry:q} --table {input.table:q}"
        " --splits {input.splits:q} --scheme {wildcards.scheme} --fold {wildcards.fold} --out {output:q}"
        " --seed {params.seed} --threads {threads} > {log:q} 2>&1"


rule train_activity_baseline:
    input:
        registry="config/datasets.yaml",
        table="training/curated.parquet",
        splits="training/splits.parquet",
    output:
        "training/baselines/{activity_scheme}-{fold}.safetensors",
    log:
        "logs/training/baseline-{activity_scheme}-{fold}.log",
    benchmark:
        "training/benchmarks/baseline-{activity_scheme}-{fold}.tsv"
    conda:
        "../../envs/molsieve.yaml"
    threads: 1
    params:
        seed=TRAIN_SEED,
        code=stage_code_digest("molsieve.training.baselines"),
    shell:
        "python -m molsieve training baseline --registry {input.registry:q} --table {input.table:q}"
        " --splits {input.splits:q} --scheme {wildcards.activity_scheme} --fold {wildcards.fold} --out {output:q}"
        " --family activity --seed {params.seed} --threads {threads} > {log:q} 2>&1"


rule train_final:
    input:
        registry="config/datasets.yaml",
        table="training/curated.parquet",
        rich="training/rich.safetensors",
    output:
        "training/final/{part}.safetensors",
    log:
        "logs/training/final-{part}.log",
    benchmark:
        "training/benchmarks/final-{part}.tsv"
    conda:
        "../../envs/molsieve.yaml"
    threads: 1
    params:
        seed=TRAIN_SEED,
    shell:
        KEEP_MEMORY
        + "python -m molsieve training final {wildcards.part} --registry {input.registry:q} --table {input.table:q}"
        " --rich {input.rich:q} --out {output:q} --seed {params.seed} --threads {threads} > {log:q} 2>&1"


rule train_student:
    input:
        registry="config/datasets.yaml",
        table="training/curated.parquet",
        rich="training/rich.safetensors",
        teachers=expand("training/final/{part}.safetensors", part=TRAIN_PARTS),
    output:
        "training/final/student.safetensors",
    log:
        "logs/training/final-student.log",
    benchmark:
        "training/benchmarks/final-student.tsv"
    conda:
        "../../envs/molsieve.yaml"
    threads: 1
    params:
        seed=TRAIN_SEED,
        teachers=lambda wildcards, input: [
            f"--teacher={file}" for file in input.teachers
        ],
    shell:
        KEEP_MEMORY
        + "python -m molsieve training final student --registry {input.registry:q} --table {input.table:q}"
        " --rich {input.rich:q} {params.teachers:q} --out {output:q} --seed {params.seed} --threads {threads}"
        " > {log:q} 2>&1"


rule extrapolate:
    """One class, screen or published split that the models know nothing of."""
    input:
        registry="config/datasets.yaml",
        table="training/curated.parquet",
        splits="training/splits.parquet",
        rich="training/rich.safetensors",
    output:
        "training/extrapolation/{case}.json",
    log:
        "logs/training/extrapolate-{case}.log",
    benchmark:
        "training/benchmarks/extrapolate-{case}.tsv"
    wildcard_constraints:
        case="(class|transfer|gut|tox21)[^/]*",
    conda:
        "../../envs/molsieve.yaml"
    threads: 1
    params:
        seed=TRAIN_SEED,
    shell:
        KEEP_MEMORY
        + "python -m molsieve training extrapolate {wildcards.case:q} --registry {input.registry:q}"
        " --table {input.table:q} --splits {input.splits:q} --rich {input.rich:q} --out {output:q}"
        " --seed {params.seed} --threads {threads} > {log:q} 2>&1"


rule summarise_extrapolation:
    input:
        cases=expand("training/extrapolation/{case}.json", case=TRAIN_CASES),
        evaluation="training/evaluation-refine.json",
    output:
        "training/extrapolation.json",
    log:
        "logs/training/summarise.log",
    localrule: True
    conda:
        "../../envs/molsieve.yaml"
    shell:
        "python -m molsieve training summarise {input.cases:q} --evaluation {input.evaluation:q} --out {output:q}"
        " > {log:q} 2>&1"


rule evaluate_models:
    """The benchmark table, from stored predictions alone."""
    input:
        registry="config/datasets.yaml",
        table="training/curated.parquet",
        splits="training/splits.parquet",
        predictions=expand(
            "training/oof/{part}-{scheme}-{fold}.safetensors",
            part=TRAIN_PARTS,
            scheme=TRAIN_SCHEMES + ACTIVITY_SCHEMES,
            fold=TRAIN_FOLDS,
        ),
        students=expand(
            "training/oof/student-scaffold-{fold}.safetensors", fold=TRAIN_FOLDS
        ),
        baselines=expand(
            "training/baselines/{scheme}-{fold}.safetensors",
            scheme=TRAIN_SCHEMES + ACTIVITY_SCHEMES,
            fold=TRAIN_FOLDS,
        ),
    output:
        evaluation="training/evaluation-{tier}.json",
        stored="resources/out_of_fold/{tier}.parquet",
    log:
        "logs/training/evaluate-{tier}.log",
    wildcard_constraints:
        tier="triage|refine",
    conda:
        "../../envs/molsieve.yaml"
    threads: 1
    params:
        predictions=lambda wildcards, input: Path(input.predictions[0]).parent,
        baselines=lambda wildcards, input: Path(input.baselines[0]).parent,
        code=stage_code_digest("molsieve.training.benchmark"),
    shell:
        "python -m molsieve training evaluate {wildcards.tier} --registry {input.registry:q} --table {input.table:q}"
        " --splits {input.splits:q} --predictions {params.predictions:q} --baselines {params.baselines:q}"
        " --out {output.evaluation:q} --stored {output.stored:q} --threads {threads} > {log:q} 2>&1"


rule assemble_model:
    input:
        registry="config/datasets.yaml",
        table="training/curated.parquet",
        curation="training/curation.json",
        frozen="resources/splits/folds.json",
        parts=expand(
            "training/final/{part}.safetensors", part=TRAIN_PARTS + ["student"]
        ),
        evaluation="training/evaluation-{tier}.json",
        extrapolation="training/extrapolation.json",
        grades="benchmarks/explanations.json",
    output:
        model=directory("resources/models/{tier}"),
        checksums="resources/models/{tier}/checksums.sha256",
    log:
        "logs/training/assemble-{tier}.log",
    wildcard_constraints:
        tier="triage|refine",
    localrule: True
    conda:
        "../../envs/molsieve.yaml"
    params:
        final=lambda wildcards, input: Path(input.parts[0]).parent,
        code=stage_code_digest("molsieve.training.assemble"),
    shell:
        "python -m molsieve training assemble {wildcards.tier} --registry {input.registry:q} --table {input.table:q}"
        " --curation {input.curation:q} --frozen {input.frozen:q} --final {params.final:q}"
        " --evaluation {input.evaluation:q} --extrapolation {input.extrapolation:q} --grades {input.grades:q}"
        " --model {output.model:q} > {log:q} 2>&1"
