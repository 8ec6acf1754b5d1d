"""Templates, style and script of the report; they are data of this package."""
