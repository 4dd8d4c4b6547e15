"""Where in a model an error begins: each node fed what the reference has there, and what really arrives."""
