"""From a structure as written to a parent molecule with fingerprint, properties and alerts."""
