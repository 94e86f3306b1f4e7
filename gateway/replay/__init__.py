"""Answers that are given again instead of being asked for: the response cache, and requests that a client repeats.

flow                the pipeline's one question, `of`
cache               the way of a request through the cache: `cache_key` what makes two requests one, `similarity`
                    prompts that mean the same, `recording` an answer as it is made, also for several readers
store               where the cache is: `memory_store` or `shared_store`, both of `entries`
idempotency         the way of a request that came before: `repeats` those of this process, `shared_idempotency`
                    those of others, `along` a stream of theirs, read as it comes

Not here: prompt caching at the provider, which is the provider's own.
"""
