//! An RFC 862 echo server on mio. What could not be written at once is kept, and nothing is
//! read until it has gone.

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

const LISTENER: Token = Token(0);
/// How long nothing is accepted when descriptors are out.
const REST: Duration = Duration::from_millis(100);

struct Client {
    stream: TcpStream,
    due: Vec<u8>,
}

impl Client {
    /// Reads and writes until one of both would block; false at the end of the connection.
    fn serve(&mut self) -> io::Result<bool> {
        let mut buf = [0; 16384];
        loop {
            while !self.due.is_empty() {
                match self.stream.write(&self.due) {
                    Ok(n) => drop(self.due.drain(..n)),
                    Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(true),
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Err(e) => return Err(e),
                }
            }
            match self.stream.read(&mut buf) {
                Ok(0) => return Ok(false),
                Ok(n) => self.due.extend_from_slice(&buf[..n]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

/// Accepts all that wait; false when descriptors are out.
fn accept(listener: &TcpListener, poll: &Poll, clients: &mut HashMap<Token, Client>, next: &mut usize) -> io::Result<bool> {
    loop {
        match listener.accept() {
            Ok((mut stream, _)) => {
                *next += 1;
                poll.registry().register(&mut stream, Token(*next), Interest::READABLE | Interest::WRITABLE)?;
                clients.insert(Token(*next), Client { stream, due: Vec::new() });
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(e) if matches!(e.raw_os_error(), Some(12 | 23 | 24 | 105)) => return Ok(false), // ENOMEM, ENFILE, EMFILE, ENOBUFS
            Err(_) => {}
        }
    }
}

fn main() -> io::Result<()> {
    let port: u16 = std::env::var("PORT").expect("PORT").parse().expect("a port");
    let mut listener = TcpListener::bind(([127, 0, 0, 1], port).into())?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut clients = HashMap::new();
    let (mut next, mut resting) = (0, false);

    loop {
        match poll.poll(&mut events, resting.then_some(REST)) {
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        if resting || events.iter().any(|e| e.token() == LISTENER) {
            resting = !accept(&listener, &poll, &mut clients, &mut next)?;
        }
        for event in events.iter() {
            let Some(client) = clients.get_mut(&event.token()) else { continue };
            if !client.serve().unwrap_or(false) {
                let mut client = clients.remove(&event.token()).expect("it was there");
                poll.registry().deregister(&mut client.stream)?;
            }
        }
    }
}
