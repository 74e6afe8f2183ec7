"""Small servers that speak the documented wire formats of services that tests can't have."""
