"""Fitting spectra: contexts, latents, and the rate."""
