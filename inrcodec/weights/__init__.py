"""How a network's weights are stored: each tensor itself, or a random projection of a latent."""
