"""Fitting latent grids to a picture."""
