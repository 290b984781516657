//! The echo server of smol's examples (tcp-server). It goes on where accept fails.

use smol::net::{TcpListener, TcpStream};
use smol::{io, Timer};
use std::time::Duration;

async fn echo(stream: TcpStream) -> io::Result<()> {
    io::copy(stream.clone(), stream).await?;
    Ok(())
}

fn main() -> io::Result<()> {
    let port: u16 = std::env::var("PORT").expect("PORT").parse().expect("a port");
    smol::block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => smol::spawn(echo(stream)).detach(),
                Err(_) => {
                    Timer::after(Duration::from_millis(100)).await;
                }
            }
        }
    })
}
