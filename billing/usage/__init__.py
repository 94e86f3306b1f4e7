"""What was used: counted, kept, found and summed up. What writes it: `gateway.records`; its cost: `billing.pricing`."""
