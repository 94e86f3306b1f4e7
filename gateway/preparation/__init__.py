"""What a request needs from outside of itself: a fresh token, signatures, images behind addresses."""
