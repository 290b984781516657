//! An adapter: a server on tokio that speaks the target contract of reactorspec.
//!
//! The contract is one page, <https://github.com/reactorspec/reactorspec/blob/main/spec/target.md>.
//! Put your own runtime in the place of tokio's, and keep the conversations. A verb
//! that your loop offers (POST, TIMER, OFFLOAD and so on) goes into `answer`, and its
//! feature into `FEATURES`.

use std::future::Future;
use std::io::{self, ErrorKind::UnexpectedEof};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::signal::unix::{signal, SignalKind};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

const FEATURES: &str = "where,sink,source,limit,drain";
/// What the kernel's buffers hold of a connection's output, in bytes: a write waits
/// for its client, and nothing is read from the client meanwhile.
const LIMIT: usize = 64 << 10;
const BACKLOG: u32 = 4096;
const MAX_LINE: usize = 256; // bytes of a sign-on line
const MAX_FRAME: usize = 65536; // bytes of a frame's body
const MAX_SOURCE: u64 = 1 << 40;
const PERIOD: usize = 251; // byte i of SOURCE is i mod 251
const PIECE: usize = PERIOD << 8; // bytes of SOURCE written at a time, whole periods
const BUFFER: usize = 32 << 10; // bytes of ECHO and SINK read at a time
const ACCEPT_PAUSE: Duration = Duration::from_millis(100); // after an accept that failed for want of descriptors
/// For what a client has sent already when all that is due to it is sent.
const LINGER: Duration = Duration::from_secs(1);
const DRAIN: Duration = Duration::from_secs(4); // of the 5 s that the contract allows

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let port = std::env::var("PORT").ok().and_then(|p| p.parse().ok()).unwrap_or(7000);
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(([127, 0, 0, 1], port).into())?;
    let listener = socket.listen(BACKLOG)?;

    let (stop, stopped) = watch::channel(false);
    let (alive, mut all_gone) = mpsc::channel::<()>(1); // each connection holds a sender
    tokio::select! {
        _ = accept(listener, Stop(stopped), alive) => {}
        _ = terminate.recv() => {} // drops the listener
    }
    let _ = stop.send(true);
    let _ = timeout(DRAIN, all_gone.recv()).await; // who still does not read is left behind
    Ok(())
}

async fn accept(listener: TcpListener, stop: Stop, alive: mpsc::Sender<()>) {
    let mut number = 0u64;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                number += 1;
                let (number, stop, alive) = (number, stop.clone(), alive.clone());
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let _ = serve(&mut stream, number, stop).await; // an error is the client's end
                    leave(stream).await;
                    drop(alive);
                });
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Tells connections that the server stops.
#[derive(Clone)]
struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Waits for a read; a server that stops takes it for the end of input.
    async fn or<T>(&mut self, read: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        tokio::select! {
            result = read => result,
            _ = self.0.wait_for(|stopping| *stopping) => Err(UnexpectedEof.into()),
        }
    }
}

/// Closes in two steps: a close over input that was not read would reset the connection,
/// and drop the output that is still on its way.
async fn leave(mut stream: BufReader<TcpStream>) {
    if stream.shutdown().await.is_ok() {
        let _ = timeout(LINGER, tokio::io::copy(&mut stream, &mut tokio::io::sink())).await;
    }
}

async fn serve(stream: &mut BufReader<TcpStream>, number: u64, mut stop: Stop) -> io::Result<()> {
    stream.get_ref().set_nodelay(true)?;
    let line = sign_on(stream, &mut stop).await?;
    let ok = format!("OK {number}\n");
    match line.as_str() {
        "ECHO" => {
            stream.write_all(ok.as_bytes()).await?;
            echo(stream, &mut stop).await
        }
        "SINK" => {
            stream.write_all(ok.as_bytes()).await?;
            let sunk = sink(stream, &mut stop).await?;
            stream.write_all(format!("SUNK {sunk}\n").as_bytes()).await
        }
        "PROBE" => {
            stream.write_all(ok.as_bytes()).await?;
            frames(stream, number, &mut stop).await
        }
        _ => match line.strip_prefix("SOURCE ").filter(|n| is_number(n.as_bytes())).map(str::parse) {
            Some(Ok(n)) if n <= MAX_SOURCE => {
                stream.write_all(ok.as_bytes()).await?;
                source(stream, n).await
            }
            _ => Ok(()),
        },
    }
}

/// Reads the first line, without its end.
async fn sign_on(stream: &mut BufReader<TcpStream>, stop: &mut Stop) -> io::Result<String> {
    let mut line = Vec::new();
    loop {
        match stop.or(stream.read_u8()).await? {
            b'\n' => break,
            _ if line.len() == MAX_LINE => return Err(io::ErrorKind::InvalidData.into()),
            byte => line.push(byte),
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Reads some bytes; 0 is the end of input, or of the server.
async fn some(stream: &mut (impl AsyncRead + Unpin), stop: &mut Stop, bytes: &mut [u8]) -> io::Result<usize> {
    match stop.or(stream.read(bytes)).await {
        Err(e) if e.kind() == UnexpectedEof => Ok(0),
        result => result,
    }
}

async fn echo(stream: &mut BufReader<TcpStream>, stop: &mut Stop) -> io::Result<()> {
    let mut bytes = vec![0; BUFFER];
    loop {
        match some(stream, stop, &mut bytes).await? {
            0 => return Ok(()),
            n => stream.write_all(&bytes[..n]).await?,
        }
    }
}

async fn sink(stream: &mut BufReader<TcpStream>, stop: &mut Stop) -> io::Result<usize> {
    let mut bytes = vec![0; BUFFER];
    let mut total = 0;
    loop {
        match some(stream, stop, &mut bytes).await? {
            0 => return Ok(total),
            n => total += n,
        }
    }
}

async fn source(stream: &mut BufReader<TcpStream>, mut left: u64) -> io::Result<()> {
    let pattern: Vec<u8> = (0..PIECE).map(|i| (i % PERIOD) as u8).collect();
    while left > 0 {
        let piece = left.min(PIECE as u64);
        stream.write_all(&pattern[..piece as usize]).await?;
        left -= piece;
    }
    Ok(())
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// Answers requests until the input ends or cannot be trusted. Replies are sent
/// together as long as more requests are here already.
async fn frames(stream: &mut BufReader<TcpStream>, number: u64, stop: &mut Stop) -> io::Result<()> {
    let mut out = Vec::new();
    loop {
        if stream.buffer().len() < 4 {
            flush(stream, &mut out).await?;
        }
        let Ok(length) = stop.or(stream.read_u32()).await else { break };
        let length = length as usize;
        if !(1..=MAX_FRAME).contains(&length) {
            break;
        }
        if stream.buffer().len() < length {
            flush(stream, &mut out).await?;
        }
        let mut body = vec![0; length];
        if stop.or(stream.read_exact(&mut body)).await.is_err() {
            break;
        }
        let (id, request) = cut(&body);
        if !is_number(id) {
            break;
        }
        let reply = [id, b" ", &answer(request, number)].concat();
        out.extend_from_slice(&(reply.len() as u32).to_be_bytes());
        out.extend_from_slice(&reply);
    }
    flush(stream, &mut out).await
}

async fn flush(stream: &mut BufReader<TcpStream>, out: &mut Vec<u8>) -> io::Result<()> {
    if !out.is_empty() {
        stream.write_all(out).await?;
        out.clear();
    }
    Ok(())
}

/// The word before the first space, and what follows it.
fn cut(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|&b| b == b' ') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[]),
    }
}

fn answer(request: &[u8], number: u64) -> Vec<u8> {
    match cut(request).0 {
        b"PING" => [b"ok", &request[b"PING".len()..]].concat(),
        b"HELLO" => {
            let nonce = std::env::var("REACTORSPEC_NONCE").ok().filter(|n| !n.is_empty()).unwrap_or("-".into());
            format!("ok class=reactor loops=1 features={FEATURES} limit={LIMIT} wakeup=- poller=epoll nonce={nonce}").into()
        }
        b"WHERE" => format!("ok loop=0 tid={} conn={number}", thread()).into(),
        _ => b"unsupported".into(),
    }
}

/// The kernel's number of this thread, which std does not tell.
fn thread() -> String {
    let link = std::fs::read_link("/proc/thread-self").unwrap_or_default();
    link.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
