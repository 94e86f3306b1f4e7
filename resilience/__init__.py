"""What a failure means, and how long to stay away after it. Pure: the clock is passed in."""
