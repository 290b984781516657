// Echo on mio: one poll, edge-triggered as mio is, a shared buffer.
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};

const LISTENER: Token = Token(usize::MAX);

struct Conn {
    stream: TcpStream,
    rest: Vec<u8>, // output that the kernel did not take
}

// Writes what waits; true if nothing is left.
fn flush(c: &mut Conn) -> io::Result<bool> {
    while !c.rest.is_empty() {
        match c.stream.write(&c.rest) {
            Ok(n) => drop(c.rest.drain(..n)),
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}

// Reads until there is no more, as edges ask for; false when the client has ended.
fn serve(c: &mut Conn, buffer: &mut [u8]) -> io::Result<bool> {
    if !flush(c)? {
        return Ok(true);
    }
    loop {
        match c.stream.read(buffer) {
            Ok(0) => return Ok(false),
            Ok(n) => {
                let sent = match c.stream.write(&buffer[..n]) {
                    Ok(sent) => sent,
                    Err(e) if e.kind() == ErrorKind::WouldBlock || e.kind() == ErrorKind::Interrupted => 0,
                    Err(e) => return Err(e),
                };
                c.rest.extend_from_slice(&buffer[sent..n]);
                if !flush(c)? {
                    return Ok(true);
                }
                if n < buffer.len() {
                    return Ok(true); // a short read has emptied the socket (epoll(7), question 9)
                }
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).expect("usage: mio PORT");
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(512);
    let mut listener = TcpListener::bind(format!("127.0.0.1:{port}").parse().expect("a port"))?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut conns: HashMap<Token, Conn> = HashMap::new();
    let mut buffer = vec![0; 64 << 10];
    let mut next = 0;
    loop {
        if let Err(e) = poll.poll(&mut events, None) {
            if e.kind() != ErrorKind::Interrupted {
                return Err(e);
            }
            continue;
        }
        for event in &events {
            if event.token() == LISTENER {
                loop {
                    match listener.accept() {
                        Ok((mut stream, _)) => {
                            stream.set_nodelay(true)?;
                            let token = Token(next);
                            next += 1;
                            poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
                            conns.insert(token, Conn { stream, rest: Vec::new() });
                        }
                        Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                        Err(e) if e.kind() == ErrorKind::ConnectionAborted || e.kind() == ErrorKind::Interrupted => {}
                        Err(e) => return Err(e),
                    }
                }
                continue;
            }
            if let Some(c) = conns.get_mut(&event.token()) {
                if !serve(c, &mut buffer).unwrap_or(false) {
                    conns.remove(&event.token());
                }
            }
        }
    }
}
