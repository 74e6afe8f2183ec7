"""What operators see of a running app: logs, request ids, metrics, traces, figures, faults."""
