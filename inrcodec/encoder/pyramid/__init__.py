"""Fitting latent pyramids."""
