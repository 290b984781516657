// The server of tiny_http 0.12's crate documentation ("In a real-case scenario …"): four workers,
// each of which answers as the README's example does.
use std::sync::Arc;
use std::thread;
use tiny_http::{Response, Server};

fn main() {
    let port = std::env::args().nth(1).unwrap();
    let server = Server::http(format!("127.0.0.1:{}", port)).unwrap();
    let server = Arc::new(server);
    let mut guards = Vec::with_capacity(4);

    for _ in 0..4 {
        let server = server.clone();

        let guard = thread::spawn(move || loop {
            let rq = server.recv().unwrap();

            let response = Response::from_string("hello world");
            let _ = rq.respond(response);
        });

        guards.push(guard);
    }
    for guard in guards {
        guard.join().unwrap();
    }
}
