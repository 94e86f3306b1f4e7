"""Cloud sync: several gateways share one configuration through a peer that holds it sealed.

`flow` is the way of one sync: fetch (`peer`), open (`envelope`), merge (`merging`, pure), write (`local`), send back.
`noticing` tells it when something changed, `sharing` keeps two devices from renewing the same token. `serving` is the
other side: what any OmniRoute does for others, without being able to read it.
"""
