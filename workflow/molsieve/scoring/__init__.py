"""From predictions to a ranked list: deduplication, shortlist, structure checks, scores and hits (Dask)."""
