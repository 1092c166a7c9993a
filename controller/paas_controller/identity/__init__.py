"""Who may do what: tokens and roles. A token is shown once and kept as a hash."""
