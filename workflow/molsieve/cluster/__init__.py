"""Runs on a Slurm cluster: what the site allows, what a run asks for, and where it stands."""
