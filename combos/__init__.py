"""A model name, and the ordered targets that it stands for."""
