import pytest
from tests.unit.cluster.recorded import site

from molsieve.cluster.access import check_account, check_partition, check_submission
from molsieve.cluster.site import parse_accounting


def test_own_accounts_pass_in_any_letters():
    assert check_account(site(), "Screening").level == "ok"
    assert check_account(site(), None).said == "screening, your default account (yours: root, screening)"


@pytest.mark.parametrize(
    ("account", "said", "fix"),
    [
        (
            "chemistry",
            "ada may not use the account 'chemistry' (yours: root, screening)",
            "have whoever is responsible",
        ),
        ("screning", "there is no account 'screning' on molsieve", "Did you mean 'screening'?"),
        ("zzz", "there is no account 'zzz' on molsieve", "Give one of yours with --account."),
    ],
)
def test_other_accounts_are_problems(account, said, fix):
    found = check_account(site(), account)
    assert found.level == "problem"
    assert said in found.said
    assert fix in found.fix


def test_without_a_default_account_one_must_be_given():
    nobody = site(accounting=parse_accounting("chemistry\n", "", ""))
    found = check_account(nobody, None)
    assert (found.level, found.fix) == ("problem", "Give --account.")
    assert "ada has none on molsieve" in found.said


def test_without_accounting_nothing_is_claimed():
    found = check_account(site(accounting=None, accounting_said="Connection refused"), "anything")
    assert (found.level, found.said) == ("warning", "not checked, as accounting does not answer")


@pytest.mark.parametrize(
    ("partition", "said", "fix"),
    [
        ("gp", "there is no partition 'gp'", "Did you mean 'gpu'?"),
        ("drained", "starts no jobs now (state DRAIN)", "Choose another"),
        ("broken", "no node of broken can start jobs now (1 down, 2 drained)", "sinfo -R"),
        ("empty", "no node of empty can start jobs now (it has none)", "Choose another partition"),
        ("closed", "takes no jobs of the account screening", "Choose another partition."),
        ("denied", "takes no jobs of the account screening", "Try --account root, or choose another"),
        ("group", "is for members of the groups nobody-is-in-this", "ask the site's support"),
        ("big", "wants a quality of service (express), and you have none", "Choose another partition"),
    ],
)
def test_partitions_that_cannot_be_used(partition, said, fix):
    found = check_partition(site(), partition, None)
    assert found.level == "problem"
    assert said in found.said
    assert fix in found.fix


def test_a_quality_of_service_of_ones_own_is_only_named():
    found = check_partition(site(), "long", "screening")
    assert (found.level, found.fix) == (
        "warning",
        "Nothing if the profile sets it; else write `slurm-qos: long` there.",
    )


def test_a_usable_partition_is_described():
    assert check_partition(site(), "cpu", None).level == "ok"
    assert check_partition(site(), None, None).said.endswith("120 min, the default one")


def test_an_account_for_one_partition_only():
    only_gpu = site(accounting=parse_accounting("screening\n", "screening|gpu||||\n", "screening\n"))
    assert check_partition(only_gpu, "gpu", None).level == "ok"
    found = check_partition(only_gpu, "cpu", None)
    assert (found.level, found.fix) == ("problem", "Try --partition gpu, or another account.")


def test_more_jobs_than_the_account_may_have():
    found = check_submission(site(), "screening", 200)
    assert found.level == "problem"
    assert "Set jobs: 40 in the profile" in found.fix
    assert check_submission(site(), "screening", 40).level == "ok"
    assert check_submission(site(), "root", 200).said == "your account sets no limit"
