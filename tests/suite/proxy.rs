//! Stands between the binary and an emulator, and refuses one operation the way AWS does, or does not pass it on until it
//! is told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// What becomes of the one operation.
#[derive(Clone)]
enum Conduct {
    Refuse,
    /// Told, and then passed on when the other side says so.
    Hold(Arc<Mutex<(Sender<()>, Receiver<()>)>>),
}

/// Passes every request on, except those of one operation.
pub struct Proxy {
    endpoint: String,
}

/// Requests that are held.
pub struct Held {
    arrived: Receiver<()>,
    go: Sender<()>,
}

impl Held {
    /// Waits for one.
    pub fn wait(&self) {
        self.arrived.recv().expect("a request");
    }

    /// Passes one on.
    pub fn release(&self) {
        self.go.send(()).expect("somebody waits");
    }
}

impl Proxy {
    /// Refuses the operation. Listens on a free loopback port for as long as the test runs.
    pub fn refusing(behind: &str, operation: &'static str) -> Self {
        Self::start(behind, operation, Conduct::Refuse)
    }

    /// Holds every request of the operation.
    pub fn holding(behind: &str, operation: &'static str) -> (Self, Held) {
        let ((tell, arrived), (go, told)) = (channel(), channel());
        let conduct = Conduct::Hold(Arc::new(Mutex::new((tell, told))));
        (Self::start(behind, operation, conduct), Held { arrived, go })
    }

    fn start(behind: &str, operation: &'static str, conduct: Conduct) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let behind = behind.trim_start_matches("http://").to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (behind, conduct) = (behind.clone(), conduct.clone());
                // A broken connection is the client's business: it sees it and says so.
                std::thread::spawn(move || serve(stream, &behind, operation, &conduct).unwrap_or_default());
            }
        });
        Self { endpoint }
    }

    /// `http://127.0.0.1:…`
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

fn serve(mut stream: TcpStream, behind: &str, operation: &str, conduct: &Conduct) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line == "\r\n" {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    // JSON protocols name the operation in a header, query protocols in the body.
    let in_head = head.lines().any(|line| line.trim_end().ends_with(&format!(".{operation}")));
    let in_body = String::from_utf8_lossy(&body).contains(&format!("Action={operation}&"));
    match conduct {
        Conduct::Refuse if in_head || in_body => return refuse(&mut stream, in_head),
        Conduct::Hold(gate) if in_head || in_body => {
            let gate = gate.lock().expect("a gate");
            // Nobody waits, or nobody will say so any more: the test is over.
            if gate.0.send(()).is_err() || gate.1.recv().is_err() {
                return Ok(());
            }
        }
        Conduct::Refuse | Conduct::Hold(_) => {}
    }
    let mut upstream = TcpStream::connect(behind)?;
    write!(upstream, "{head}Connection: close\r\n\r\n")?;
    upstream.write_all(&body)?;
    std::io::copy(&mut upstream, &mut stream)?;
    Ok(())
}

/// How AWS refuses, in the protocol of the operation: code, kind of the body, body.
pub fn refusal(json: bool) -> (u16, &'static str, &'static str) {
    if json {
        (400, "application/x-amz-json-1.1", r#"{"__type":"AccessDeniedException","message":"no"}"#)
    } else {
        let xml = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error>\
                   <RequestId>r</RequestId></ErrorResponse>";
        (403, "text/xml", xml)
    }
}

fn refuse(stream: &mut TcpStream, json: bool) -> std::io::Result<()> {
    let (code, kind, body) = refusal(json);
    write!(
        stream,
        "HTTP/1.1 {code} Refused\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
