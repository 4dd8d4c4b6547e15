"""Networks in `.mat` files, one module for each way that MATLAB users keep them."""
