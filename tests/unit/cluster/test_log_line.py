import pytest

from molsieve.cluster.log_line import telling_line

# As a real slurmd wrote it around the output of the Snakemake in the job.
OVER_MEMORY = """\
localrule inspect:
    jobid: 0
slurmstepd-n1: error: StepId=45.0 exceeded memory limit (1603526656 > 1572864000), being killed
slurmstepd-n1: error: Exceeded job memory limit
srun: Job step aborted: Waiting up to 4 seconds for job step to finish.
slurmstepd-n1: error: *** STEP 45.0 ON n1 CANCELLED AT 2026-11-23T05:08:50 ***
srun: error: n1: task 0: Killed
WorkflowError:
At least one job did not complete successfully.
"""
TRACEBACK = """\
Traceback (most recent call last):
  File "pq.py", line 1, in <module>
pyarrow.lib.ArrowInvalid: Parquet magic bytes not found in footer.
"""


@pytest.mark.parametrize(
    ("own", "slurms", "line", "which"),
    [
        ("a warning\nError: the disk is full\n  where: /scratch\n", OVER_MEMORY, "the disk is full", 0),
        ("  warnings.warn(\n", OVER_MEMORY, "it needed more memory: Exceeded job memory limit", 1),
        (
            "",
            "slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-11-23T05:08:50 DUE TO TIME LIMIT ***\n",
            "it needed more time: JOB 7 ON n1 CANCELLED AT 2026-11-23T05:08:50 DUE TO TIME LIMIT",
            1,
        ),
        (
            "",
            "slurmstepd: error: Detected 1 oom_kill event in StepId=7.0.\n",
            "it needed more memory: Detected 1 oom_kill event in StepId=7.0.",
            1,
        ),
        (TRACEBACK, "", "pyarrow.lib.ArrowInvalid: Parquet magic bytes not found in footer.", 0),
        (
            "some last words\n",
            "WorkflowError:\nAt least one job did not complete successfully.\n",
            "some last words",
            0,
        ),
    ],
)
def test_the_line_that_says_most(tmp_path, own, slurms, line, which):
    logs = [tmp_path / "prepare-library-00003.log", tmp_path / "7.log"]
    for log, text in zip(logs, (own, slurms), strict=True):
        log.write_text(text)
    assert telling_line(logs) == (line, logs[which])


def test_logs_that_say_nothing(tmp_path):
    log = tmp_path / "prepare-library-00003.log"
    log.touch()
    assert telling_line([log, tmp_path / "missing.log"]) is None
