"""``python -m molsieve``: what the rules of the workflow call."""

from molsieve.cli import main

if __name__ == "__main__":
    main()
