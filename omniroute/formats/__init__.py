"""How dates and times are written (`FORMAT_MODULE_PATH`): as on the product's own pages."""
