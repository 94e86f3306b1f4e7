"""What requests cost: what an attempt buys, its built-in price, and costs worked out anew."""
