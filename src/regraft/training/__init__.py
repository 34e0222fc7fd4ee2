"""Training the weights of a network further, from the solution of a head on it."""

from regraft.training.finetune import Finetune, hyper_rule

__all__ = ["Finetune", "hyper_rule"]
