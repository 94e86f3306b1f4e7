"""The management API under `/api/`: a module for each part, put together in `root`."""
