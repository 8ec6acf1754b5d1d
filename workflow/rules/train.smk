"""Training: from the dataset registry to a model directory. Target: `snakemake train`.

Every fold is a job of its own, so an interrupted training goes on where it stopped. Data come from MOLSIEVE_DATA_MIRROR where it
is set, else from the registry's URLs.
"""

TRAIN_SCHEMES = ["scaffold", "random"]
TRAIN_FOLDS = range(5)
TRAIN_SEED = 20261122


rule train:
    input:
        "resources/models/triage/model.json",


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


rule split_data:
    input:
        registry="config/datasets.yaml",
        table="training/curated.parquet",
        frozen="resources/splits/triage.json",
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
    output:
        "training/oof/{scheme}-{fold}.safetensors",
    log:
        "logs/training/fold-{scheme}-{fold}.log",
    benchmark:
        "training/benchmarks/fold-{scheme}-{fold}.tsv"
    wildcard_constraints:
        scheme="|".join(TRAIN_SCHEMES),
        fold=r"\d",
    conda:
        "../../envs/molsieve.yaml"
    threads: 1
    params:
        seed=TRAIN_SEED,
    shell:
        "python -m molsieve training fold --registry {input.registry:q} --table {input.table:q}"
        " --splits {input.splits:q} --scheme {wildcards.scheme} --fold {wildcards.fold} --out {output:q}"
        " --seed {params.seed} --threads {threads} > {log:q} 2>&1"


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
    wildcard_constraints:
        scheme="|".join(TRAIN_SCHEMES),
        fold=r"\d",
    conda:
        "../../envs/molsieve.yaml"
    threads: 1
    params:
        seed=TRAIN_SEED,
    shell:
        "python -m molsieve training baseline --registry {input.registry:q} --table {input.table:q}"
        " --splits {input.splits:q} --scheme {wildcards.scheme} --fold {wildcards.fold} --out {output:q}"
        " --seed {params.seed} --threads {threads} > {log:q} 2>&1"


rule train_final:
    input:
        registry="config/datasets.yaml",
        table="training/curated.parquet",
    output:
        weights="training/final.safetensors",
        facts="training/final.json",
    log:
        "logs/training/final.log",
    benchmark:
        "training/benchmarks/final.tsv"
    conda:
        "../../envs/molsieve.yaml"
    threads: 1
    params:
        seed=TRAIN_SEED,
    shell:
        "python -m molsieve training fit --registry {input.registry:q} --table {input.table:q}"
        " --weights {output.weights:q} --facts {output.facts:q} --seed {params.seed} --threads {threads} > {log:q} 2>&1"


rule evaluate_training:
    input:
        registry="config/datasets.yaml",
        table="training/curated.parquet",
        splits="training/splits.parquet",
        predictions=expand(
            "training/oof/{scheme}-{fold}.safetensors",
            scheme=TRAIN_SCHEMES,
            fold=TRAIN_FOLDS,
        ),
        baselines=expand(
            "training/baselines/{scheme}-{fold}.safetensors",
            scheme=TRAIN_SCHEMES,
            fold=TRAIN_FOLDS,
        ),
    output:
        "training/evaluation.json",
    log:
        "logs/training/evaluate.log",
    conda:
        "../../envs/molsieve.yaml"
    threads: 2
    params:
        predictions=lambda wildcards, input: Path(input.predictions[0]).parent,
        baselines=lambda wildcards, input: Path(input.baselines[0]).parent,
    shell:
        "python -m molsieve training evaluate --registry {input.registry:q} --table {input.table:q}"
        " --splits {input.splits:q} --predictions {params.predictions:q} --baselines {params.baselines:q}"
        " --out {output:q} --threads {threads} > {log:q} 2>&1"


rule assemble_model:
    input:
        registry="config/datasets.yaml",
        curation="training/curation.json",
        frozen="resources/splits/triage.json",
        weights="training/final.safetensors",
        facts="training/final.json",
        evaluation="training/evaluation.json",
    output:
        weights="resources/models/triage/model.safetensors",
        info="resources/models/triage/model.json",
        card="resources/models/triage/MODEL_CARD.md",
    log:
        "logs/training/assemble.log",
    localrule: True
    conda:
        "../../envs/molsieve.yaml"
    params:
        model=subpath(output.info, parent=True),
    shell:
        "python -m molsieve training assemble --registry {input.registry:q} --curation {input.curation:q}"
        " --frozen {input.frozen:q} --weights {input.weights:q} --facts {input.facts:q}"
        " --evaluation {input.evaluation:q} --model {params.model:q} > {log:q} 2>&1"
