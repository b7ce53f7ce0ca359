//! Several `ax` at once on one home, and `ax` killed at any moment.
//!
//! Nothing here depends on how fast a machine is: whatever moment a process is killed at, the same
//! must hold afterwards. Only children of the test are killed, through their handles.
//!
//! Not here: deaths between two steps of one change, one by one (`ax-registry` has those, with a
//! disk that dies on command); what one process promises (`cli`).

mod data;
mod killed;
mod lock;
mod prune;
mod state;
mod together;
