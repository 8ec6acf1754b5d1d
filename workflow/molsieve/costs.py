"""What each stage costs, and so what a job asks a cluster for.

The figures are generous guesses until benchmarks/stage_costs.py has measured them.
"""


def memory_mb(stage: str, rows: int, *, threads: int = 1, attempt: int = 1) -> int:
    """MB that a job asks for."""
    del stage, threads
    return int((1500 + rows * 0.004) * attempt)


def runtime_min(stage: str, rows: int, *, threads: int = 1, attempt: int = 1) -> int:
    """Minutes that a job asks for."""
    del stage, threads
    return int((5 + rows / 20_000) * attempt)
