"""Who may use the app, and what each may do: accounts, roles, sessions, keys, the audit log."""
