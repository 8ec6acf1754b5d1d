"""``molsieve config``."""

from pathlib import Path
from typing import Annotated

import typer

from molsieve.config_files import config_markdown, config_schema, config_yaml
from molsieve.files import write_text


def config_command(
    project: Annotated[
        Path | None, typer.Option(help="Write config.yaml, README.md and the JSON schema into this clone instead.")
    ] = None,
) -> None:
    """Print the commented default configuration.

    Example: molsieve config > my.yaml
    """
    if project is None:
        typer.echo(config_yaml(), nl=False)
        return
    write_text(project / "config" / "config.yaml", config_yaml())
    write_text(project / "config" / "README.md", config_markdown())
    write_text(project / "workflow" / "schemas" / "config.schema.json", config_schema())
