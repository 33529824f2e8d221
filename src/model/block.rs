//! Blocks of addresses: two of them are nested or apart.

use ipnet::IpNet;

/// Whether every address of `inner` is in `outer`.
pub(super) fn contains(outer: &IpNet, inner: &IpNet) -> bool {
    match (outer, inner) {
        (IpNet::V4(outer), IpNet::V4(inner)) => outer.contains(inner),
        (IpNet::V6(outer), IpNet::V6(inner)) => outer.contains(inner),
        (IpNet::V4(_), IpNet::V6(_)) | (IpNet::V6(_), IpNet::V4(_)) => false,
    }
}

/// What two blocks share: blocks are nested or apart.
pub fn overlap(a: &IpNet, b: &IpNet) -> Option<IpNet> {
    if contains(a, b) {
        Some(*b)
    } else if contains(b, a) {
        Some(*a)
    } else {
        None
    }
}

/// The rest of `outer` without `inner`, which it contains: at each level the half that `inner` is not in.
pub(super) fn around(outer: &IpNet, inner: &IpNet) -> Vec<IpNet> {
    let mut rest = Vec::new();
    let mut here = *inner;
    while here.prefix_len() > outer.prefix_len() {
        let Some(above) = here.supernet() else { break };
        let halves = above.subnets(here.prefix_len());
        rest.extend(halves.into_iter().flatten().filter(|half| *half != here));
        here = above;
    }
    rest
}
