"""Pooled activations at several depths, computed once and kept."""
