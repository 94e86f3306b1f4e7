"""The edge and the flow: from a client's request to its answer."""
