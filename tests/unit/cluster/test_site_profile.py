import pytest
import yaml
from tests.unit.cluster.recorded import site

from molsieve import project_root
from molsieve.cluster.executor_profile import SHIPPED
from molsieve.cluster.site_profile import profile_for
from molsieve.errors import MolsieveError

TEMPLATE = (project_root() / SHIPPED / "profile.yaml").read_text()


def test_only_what_the_site_says_differs_from_the_template():
    values, template = yaml.safe_load(profile_for(site(), None, None, None)), yaml.safe_load(TEMPLATE)
    template["default-resources"] |= {"slurm_partition": "cpu", "slurm_account": "screening"}
    assert values == template | {"jobs": 40}


def test_comments_stay():
    written = profile_for(site(), None, None, None)
    lost = [line for line in TEMPLATE.splitlines() if line not in written.splitlines()]
    assert not [line for line in lost if line.lstrip().startswith("# ") and "slurm_" not in line]
    assert "#   gpu: 1 of 1 nodes usable" in written


def test_the_gpu_partition_is_for_the_rules_that_use_it():
    values = yaml.safe_load(profile_for(site(), "root", "short", "gpu"))
    assert values["set-resources"]["triage"] == {"slurm_partition": "gpu", "gres": "gpu:1"}
    assert values["default-resources"]["slurm_partition"] == "short"
    assert values["default-resources"]["slurm_account"] == "root"


def test_a_partition_that_wants_a_quality_of_service_gets_it():
    values = yaml.safe_load(profile_for(site(), "screening", "long", None))
    assert values["slurm-qos"] == "long"


def test_a_site_that_forgets_jobs_soon_is_asked_sooner():
    values = yaml.safe_load(profile_for(site(min_job_age_s=30), None, None, None))
    assert values["slurm-init-seconds-before-status-checks"] == 10


def test_without_accounting_no_account_is_made_up():
    values = yaml.safe_load(profile_for(site(accounting=None), None, None, None))
    assert "slurm_account" not in values["default-resources"]


def test_what_cannot_be_used_is_refused_with_all_reasons():
    with pytest.raises(MolsieveError) as refused:
        profile_for(site(), "screning", "gp", "short")
    assert "Did you mean 'screening'" in str(refused.value)
    assert "Did you mean 'gpu'" in str(refused.value)
    assert "too much for the partition short: triage (1 GPU); a node there has no GPU" in str(refused.value)
