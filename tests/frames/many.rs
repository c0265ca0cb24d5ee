//! As many peers as a segment has rows, at one pool.

use std::time::Instant;

use crate::cast::Roles;
use crate::common::{Dice, number};
use crate::kills::soak;

#[test]
fn thirty_two_peers_share_a_pool_and_some_die() {
    let roles = Roles {
        publishers: 2,
        viewers: 28,
        careless: false,
    };
    assert_eq!(roles.everybody(), 32);
    let kills = number("RINGPAD_FRAME_KILLS", 400) / 20;
    let (mut dice, since) = (Dice::new(), Instant::now());
    let (sums, stops, longest) = soak("frames-many", roles, kills, true, &mut dice).unwrap();
    println!(
        "32 peers: {kills} kills, {stops} stops, {sums:?}, others went on within {longest:?}, {:.1} s",
        since.elapsed().as_secs_f64()
    );
    assert!(sums.viewed > sums.published / 100);
}
