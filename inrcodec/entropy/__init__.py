"""Entropy coding of integers: static models and a range coder, both in exact integer arithmetic."""
