"""What a failure means, how long to stay away after it, and how much an account may be asked.

Knows keys (`account:42`), not other apps' rows. State is in memory; `link` and `store` share it over Redis,
`persistence` keeps it over a restart.
"""
