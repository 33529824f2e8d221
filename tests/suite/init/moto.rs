//! On moto: an AWS that others wrote.

use portolan::aws::Reader;
use portolan::init::write;
use portolan::model::Scope;
use portolan::pass::take_stock;
use portolan::survey::Depth;

use super::{enforced, left, now, read_back};
use crate::emulator::Emulator;
use crate::moto::{Moto, seed};

#[tokio::test]
async fn a_fleet_on_moto_is_written_as_it_stands() {
    let moto = Moto::start();
    seed::sound_fleet(&moto, &["cart", "catalog", "checkout"]).await;
    let clients = moto.clients();
    let reader = Reader::new(&clients);
    let scope = |cluster: &str| Scope { clusters: [cluster.to_owned()].into(), ..Scope::default() };
    let stock = take_stock(&reader, &scope(seed::CLUSTER), clients.region(), Depth::Manifest).await;
    let (outline, observed) = stock.unwrap_or_else(|errors| panic!("{errors:?}"));
    let written = write(&outline, &observed, Some("Harbour"), now());
    let text = written.text();
    assert_eq!(left(&enforced(read_back(&text), &observed)), [""; 0], "{text}");
    assert_eq!(observed.gaps, [].into());
    assert!(text.contains("kind: Fleet\nmetadata:\n  name: harbour\n"), "{text}");
    assert_eq!(written.documents.len(), 7);

    let missing = take_stock(&reader, &scope("nowhere"), clients.region(), Depth::Manifest).await;
    let errors = missing.map(|_| ()).expect_err("there is none");
    assert_eq!(errors[0].hint, "clusters: prod");
}
