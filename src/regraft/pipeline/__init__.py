"""The main job: recipe, ladder, model, run folder."""
