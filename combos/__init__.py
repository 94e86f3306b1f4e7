"""A model name, the ordered targets that it stands for (`resolve`), and the attempts of one request (`plan`).

Nothing here sends anything: `gateway` makes the attempts, and tells what became of them.
"""
