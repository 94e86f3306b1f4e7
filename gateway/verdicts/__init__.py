"""What a provider's answer says beside its content: of its quota, its health, and how a refusal can be healed."""
