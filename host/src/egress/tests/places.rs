//! Which addresses are reached.

use super::*;
use crate::egress::AddressKind;

/// A request of `name`, which the script resolves, on the server's port.
fn named(name: &str, server: &Server) -> Outgoing {
    let port = server.address.port();
    Outgoing { is_named: false, ..get(&format!("http://{name}:{port}/")) }
}

fn why(error: &EgressError) -> AddressKind {
    match error {
        EgressError::AddressRefused { why, .. } => *why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_name_at_a_private_address_is_refused_without_a_connection() {
    let server = Server::saying(OK).await;
    for address in [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::127.0.0.1",
        "2002:7f00:1::",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "fd00:ec2::254",
    ] {
        let resolver = Script::new(&[&[address]]);
        let egress = egress_with(resolver, &[]);
        let error = refused(&egress, named("public.test", &server)).await;
        assert_ne!(why(&error), AddressKind::Public, "{address}");
        assert!(error.hint().is_some() && !error.is_transient());
        let named = Outgoing { is_named: true, ..named("public.test", &server) };
        why(&refused(&egress, named).await);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn one_refused_address_refuses_them_all_wherever_it_stands() {
    let server = Server::saying(OK).await;
    let open: &[&str] = &["127.0.0.1/32"];
    for list in [
        &["127.0.0.1", "10.0.0.1"][..],
        &["10.0.0.1", "127.0.0.1"],
        &["127.0.0.1", "8.8.8.8", "::ffff:10.0.0.1"],
    ] {
        let egress = egress_with(Script::new(&[list]), open);
        assert_eq!(why(&refused(&egress, named("a.test", &server)).await), AddressKind::Private);
    }
    // Beyond those that would be tried, too.
    let mut many = vec!["127.0.0.1"; 1];
    let fillers: Vec<String> = (1..40).map(|n| format!("8.8.8.{n}")).collect();
    many.extend(fillers.iter().map(String::as_str));
    many.push("10.0.0.1");
    let egress = egress_with(Script::new(&[&many]), open);
    assert_eq!(why(&refused(&egress, named("a.test", &server)).await), AddressKind::Private);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn each_connection_is_one_lookup_and_a_name_that_moves_is_checked_anew() {
    let server = Server::saying(OK).await;
    let resolver = Script::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let egress = egress_with(Arc::clone(&resolver) as Arc<dyn Resolve>, &["127.0.0.0/8"]);
    fetch(&egress, named("rebind.test", &server)).await.unwrap();
    assert_eq!(resolver.lookups(), 1, "what was checked is what was connected to");
    // The server closed, so the next request looks again, and sees what the name has become.
    let error = refused(&egress, named("rebind.test", &server)).await;
    assert_eq!((why(&error), resolver.lookups()), (AddressKind::Private, 2));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_idle_connection_is_checked_under_the_rules_of_the_request_that_wants_it() {
    let server = Server::keeping(OK).await;
    let url = server.url("/");
    let egress = egress();
    fetch(&egress, get(&url)).await.unwrap();
    assert_eq!(egress.idle_connections(), 1);
    let error = refused(&egress, Outgoing { is_named: false, ..get(&url) }).await;
    assert_eq!(why(&error), AddressKind::Loopback);
    assert!(egress.send(get(&url)).await.unwrap().is_reused);
}

#[tokio::test]
async fn localhost_is_reached_when_it_is_named() {
    let server = Server::saying(OK).await;
    for name in ["localhost", "app.localhost"] {
        let egress = egress_with(Script::new(&[&["127.0.0.1"]]), &[]);
        let outgoing = || named(name, &server);
        fetch(&egress, Outgoing { is_named: true, ..outgoing() }).await.unwrap();
        assert_eq!(why(&refused(&egress, outgoing()).await), AddressKind::Loopback);
    }
}

#[tokio::test]
async fn a_literal_address_is_never_looked_up() {
    let server = Server::saying(OK).await;
    let resolver = Script::new(&[&["8.8.8.8"]]);
    let egress = egress_with(Arc::clone(&resolver) as Arc<dyn Resolve>, &[]);
    let (status, _) = fetch(&egress, get(&server.url("/"))).await.unwrap();
    assert_eq!((status, resolver.lookups()), (200, 0));
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_does_not_answer() {
    let server = Server::saying(OK).await;
    // Nothing listens on that port of 127.0.0.2.
    let egress = egress_with(Script::new(&[&["127.0.0.2", "127.0.0.1"]]), &["127.0.0.0/8"]);
    let answer = egress.send(named("two.test", &server)).await.unwrap();
    assert_eq!(answer.remote, server.address);
}

#[tokio::test]
async fn an_ipv4_address_in_ipv6_form_is_connected_to_as_what_it_is() {
    let server = Server::saying(OK).await;
    let list: &[&str] = &["::ffff:127.0.0.1", "127.0.0.1"];
    let egress = egress_with(Script::new(&[list]), &["127.0.0.1"]);
    let answer = egress.send(named("mapped.test", &server)).await.unwrap();
    assert_eq!(answer.remote, server.address);
}

#[tokio::test]
async fn a_name_without_addresses_and_a_port_without_a_server_say_so() {
    let server = Server::saying(OK).await;
    let error = refused(&egress(), named("nowhere.test", &server)).await;
    assert!(matches!(error, EgressError::NotResolved { .. }), "{error:?}");
    let egress = egress_with(Script::new(&[&["127.0.0.2"]]), &["127.0.0.0/8"]);
    let error = refused(&egress, named("closed.test", &server)).await;
    assert!(matches!(error, EgressError::Connect { .. }), "{error:?}");
    assert!(error.is_transient());
}
