"""Classifiers on features: closed forms, paths, and populations trained as one."""
