//! stub
/// x
pub struct Graph;
