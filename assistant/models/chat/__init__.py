"""Chat models: one kind for each way of speaking to one."""
