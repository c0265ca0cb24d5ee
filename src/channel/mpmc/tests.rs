//! What one thread can see of the ring.

use crate::memory::testing::Trust;

#[test]
fn placeholder() {
    let _ = Trust::Cooperative;
}
