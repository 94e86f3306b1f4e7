"""What a failure means, how long to stay away after it, and how much an account may be asked."""
