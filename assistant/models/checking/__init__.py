"""The configured models tried: small questions whose answers can be judged."""
