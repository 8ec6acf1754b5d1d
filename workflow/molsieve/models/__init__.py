"""Trained models: networks, the model store, calibration, the domain and the triage stage."""
