// The README's echo server of message-io 0.19.0; of its three listeners the TCP one, at the given port.
use message_io::network::{NetEvent, Transport};
use message_io::node::{self};

fn main() {
    let port = std::env::args().nth(1).unwrap();
    let (handler, listener) = node::split::<()>();

    handler.network().listen(Transport::FramedTcp, format!("127.0.0.1:{}", port)).unwrap();

    listener.for_each(move |event| match event.network() {
        NetEvent::Connected(_, _) => unreachable!(), // Used for explicit connections.
        NetEvent::Accepted(_endpoint, _listener) => println!("Client connected"), // Tcp or Ws
        NetEvent::Message(endpoint, data) => {
            println!("Received: {}", String::from_utf8_lossy(data));
            handler.network().send(endpoint, data);
        }
        NetEvent::Disconnected(_endpoint) => println!("Client disconnected"), //Tcp or Ws
    });
}
