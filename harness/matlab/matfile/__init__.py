"""`.mat` files: reading, scanning for damage, writing."""
