//! Proof that every import has a row in the capability table.
