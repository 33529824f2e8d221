//! What the HTTP endpoint answers, and to which names; clients that stall take nothing from anybody.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use super::Service;

/// The code of an answer to a request as it is written.
fn code(service: &Service, request: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(&service.address).expect("it listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    answer.split(' ').nth(1).and_then(|code| code.parse().ok())
}

fn get(service: &Service, path: &str, host: &str) -> Option<u16> {
    code(service, &format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n"))
}

#[test]
fn names_that_were_not_allowed_see_no_status() {
    let service = Service::start(&["--allowed-hosts", "portolan.example.com,Other.example.com"]);
    for path in ["/metrics", "/api/v1/status"] {
        for host in ["evil.example", "portolan.example.com.evil.example", "", "localhost, evil.example"] {
            assert_eq!(get(&service, path, host), Some(421), "{path} {host}");
        }
        for host in
            ["localhost", "127.0.0.1:9797", "10.0.0.1", "[::1]:9797", "portolan.example.com:80", "other.example.com"]
        {
            assert_eq!(get(&service, path, host), Some(200), "{path} {host}");
        }
        let twice = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n");
        assert_eq!(code(&service, &twice), Some(421));
        let absolute = format!("GET http://evil.example{path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        assert_eq!(code(&service, &absolute), Some(421));
        assert_eq!(code(&service, &format!("GET {path} HTTP/1.1\r\n\r\n")), Some(421));
        assert_eq!(code(&service, &format!("GET {path} HTTP/1.0\r\nhost: localhost\r\n\r\n")), Some(505));
    }
    assert_eq!(get(&service, "/healthz", "portolan.prod.svc"), Some(200));
    assert_ne!(get(&service, "/readyz", "portolan.prod.svc"), Some(421));
    assert_eq!(get(&service, "/other", "localhost"), Some(404));
}

#[test]
fn half_open_connections_use_up_no_descriptors() {
    let mut service = Service::start(&[]);
    service.wait_for("pass finished");
    let descriptors = || {
        let folder = format!("/proc/{}/fd", service.child.id());
        fs::read_dir(folder).expect("its descriptors").count()
    };
    let before = descriptors();
    let mut stalled = Vec::new();
    for _ in 0..400 {
        let mut stream = TcpStream::connect(&service.address).expect("it listens");
        // One that was closed for a later one does not take this.
        let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\n");
        stalled.push(stream);
    }
    assert_eq!(service.get("GET", "/healthz"), (200, "ok\n".to_owned()));
    let during = descriptors();
    assert!(during <= before + 70, "{before} before, {during} with 400 connections");
}
