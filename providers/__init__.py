"""Who to call, and as whom.

`spec` says what a provider is, `catalog` and `overlay` which there are, `nodes` those of the user's own; `models` holds
the accounts. `oauth` signs in, `quota` knows what is left of a plan, `selection` orders the accounts of a request,
`proxies` says by which way it goes. `quirks`, `edits`, `refusals` and `adapters` make a request fit; `validation` and
`listing` ask a provider apart from requests. Which of them is asked, and when, is decided in `combos` and `gateway`.
"""
