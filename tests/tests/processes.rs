//! Several `ax` at once on one home, and `ax` killed at any moment.
