// An adapter: a server on Java NIO that speaks the target contract of reactorspec.
//
// The contract is one page, https://github.com/reactorspec/reactorspec/blob/main/spec/target.md.
// Put your own event loop (Netty, Vert.x, …) in the place of class Server's, and keep
// the conversations. A verb that your loop offers (POST, TIMER, OFFLOAD and so on)
// goes into answer(), and its feature into FEATURES.

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

/** The loop: one thread, one selector. */
public final class Server {
    static final int PIECE = 1 << 16; // bytes read, or made for SOURCE, at a time: others have their turn between
    static final int ACCEPTS = 256; // clients taken in one turn
    static final long ACCEPT_PAUSE = 100; // milliseconds, after an accept that failed for want of descriptors
    static final long DRAIN = 4000; // milliseconds, of the 5 s that the contract allows

    private final Selector selector = Selector.open();
    private final ServerSocketChannel listener = ServerSocketChannel.open();
    private final ByteBuffer in = ByteBuffer.allocateDirect(PIECE);
    private long numbers;
    private long acceptAt; // by now(); 0 while accepting
    private volatile boolean stopping;

    private Server(int port) throws IOException {
        listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        listener.configureBlocking(false);
        listener.bind(new InetSocketAddress("127.0.0.1", port), 4096);
        listener.register(selector, SelectionKey.OP_ACCEPT);
    }

    public static void main(String[] args) {
        Server[] server = new Server[1];
        Thread loop = Thread.currentThread();
        // The JVM answers SIGTERM with its hooks, and would then exit with 143.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            synchronized (server) {
                if (server[0] != null) {
                    server[0].stop();
                }
            }
            try {
                loop.join(DRAIN); // who still does not read is left behind
            } catch (InterruptedException e) {
                // then at once
            }
            Runtime.getRuntime().halt(0);
        }));
        try {
            synchronized (server) {
                server[0] = new Server(Integer.parseInt(System.getenv("PORT")));
            }
            server[0].run();
        } catch (Throwable failure) {
            failure.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    private void stop() {
        stopping = true;
        selector.wakeup();
    }

    private void run() throws IOException {
        while (!stopping) {
            long wait = 0; // for ever
            if (acceptAt != 0) {
                wait = acceptAt - now();
                if (wait <= 0) {
                    listener.keyFor(selector).interestOps(SelectionKey.OP_ACCEPT);
                    acceptAt = wait = 0;
                }
            }
            selector.select(this::ready, wait);
        }
        listener.close();
        for (SelectionKey key : selector.keys()) {
            if (key.attachment() instanceof Connection connection && key.isValid()) {
                connection.end();
                connection.settle();
            }
        }
        selector.selectNow();
        while (!selector.keys().isEmpty()) {
            selector.select(this::ready);
        }
    }

    private static long now() {
        return System.nanoTime() / 1_000_000;
    }

    private void ready(SelectionKey key) {
        if (!key.isValid()) {
            return;
        }
        if (key.attachment() instanceof Connection connection) {
            connection.ready(in);
        } else {
            accept(key);
        }
    }

    private void accept(SelectionKey key) {
        for (int i = 0; i < ACCEPTS; i++) {
            SocketChannel socket;
            try {
                socket = listener.accept();
            } catch (IOException e) {
                key.interestOps(0);
                acceptAt = now() + ACCEPT_PAUSE;
                return;
            }
            if (socket == null) {
                return;
            }
            try {
                socket.configureBlocking(false);
                socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
                SelectionKey own = socket.register(selector, SelectionKey.OP_READ);
                own.attach(new Connection(own, socket, ++numbers));
            } catch (IOException e) {
                Connection.close(socket); // that client is gone
            }
        }
    }
}

/** Bytes that wait, taken from the front; an empty queue holds no memory. */
final class Bytes {
    private static final byte[] NONE = {};
    private byte[] bytes = NONE;
    private int start, end;

    int size() {
        return end - start;
    }

    byte at(int i) {
        return bytes[start + i];
    }

    ByteBuffer view() {
        return ByteBuffer.wrap(bytes, start, size());
    }

    byte[] copy(int from, int to) {
        return Arrays.copyOfRange(bytes, start + from, start + to);
    }

    void append(byte[] more, int from, int n) {
        int at = room(n);
        System.arraycopy(more, from, bytes, at, n);
    }

    void append(byte[] more) {
        append(more, 0, more.length);
    }

    void append(ByteBuffer more) {
        int n = more.remaining();
        int at = room(n);
        more.get(bytes, at, n);
    }

    void drop(int n) {
        start += n;
        if (start == end) {
            bytes = NONE;
            start = end = 0;
        }
    }

    /** Makes room for n bytes, and returns where. */
    private int room(int n) {
        if (end + n > bytes.length) {
            int size = size();
            byte[] larger = size + n > bytes.length / 2 ? new byte[Math.max(2 * size, size + n)] : bytes;
            System.arraycopy(bytes, start, larger, 0, size);
            bytes = larger;
            start = 0;
            end = size;
        }
        end += n;
        return end - n;
    }
}

/** One client. */
final class Connection {
    static final String FEATURES = "where,sink,source,limit,drain";
    static final int LIMIT = 256 << 10; // bytes of output that may wait for a client before we stop reading from it
    static final int MAX_LINE = 256; // bytes of a sign-on line
    static final int MAX_FRAME = 65536; // bytes of a frame's body
    static final long MAX_SOURCE = 1L << 40;
    static final int PERIOD = 251; // byte i of SOURCE is i mod 251
    private static final byte[] PATTERN = new byte[PERIOD + Server.PIECE];

    static {
        for (int i = 0; i < PATTERN.length; i++) {
            PATTERN[i] = (byte) (i % PERIOD);
        }
    }

    private enum Conversation { SIGN_ON, ECHO, SINK, SOURCE, PROBE }

    private final SelectionKey key;
    private final SocketChannel socket;
    private final long number;
    private Conversation conversation = Conversation.SIGN_ON;
    private final Bytes held = new Bytes(); // a line or frame that has not come whole
    private final Bytes out = new Bytes(); // what the socket did not take
    private long sunk, made, left;
    private boolean ending; // nothing more is read; it is closed once what is due is sent

    Connection(SelectionKey key, SocketChannel socket, long number) {
        this.key = key;
        this.socket = socket;
        this.number = number;
    }

    static void close(SocketChannel socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // it is closed all the same
        }
    }

    void end() {
        ending = true;
    }

    void ready(ByteBuffer in) {
        try {
            if ((key.interestOps() & SelectionKey.OP_READ) != 0) {
                int n = socket.read(in.clear());
                if (n < 0) {
                    if (conversation == Conversation.SINK) {
                        say("SUNK " + sunk + "\n");
                    }
                    end();
                } else if (n > 0) {
                    feed(in.flip());
                }
            }
        } catch (IOException e) {
            close(socket);
            return;
        }
        settle();
    }

    /** Sends what it can, and decides what the connection waits for. */
    void settle() {
        try {
            produce();
            if (out.size() > 0) {
                out.drop(socket.write(out.view()));
            }
        } catch (IOException e) {
            close(socket);
            return;
        }
        boolean due = out.size() > 0 || left > 0;
        if (ending && !due) {
            close(socket);
            return;
        }
        boolean reads = !ending && out.size() <= LIMIT;
        key.interestOps((due ? SelectionKey.OP_WRITE : 0) | (reads ? SelectionKey.OP_READ : 0));
    }

    private void say(String text) {
        out.append(text.getBytes(ISO_8859_1));
    }

    private void feed(ByteBuffer bytes) {
        switch (conversation) {
            case SIGN_ON -> {
                held.append(bytes);
                signOn();
            }
            case ECHO -> out.append(bytes);
            case SINK -> sunk += bytes.remaining();
            case SOURCE -> { }
            case PROBE -> {
                held.append(bytes);
                frames();
            }
        }
    }

    private void signOn() {
        int end = 0;
        while (end < held.size() && held.at(end) != '\n') {
            end++;
        }
        if (end > MAX_LINE) {
            end();
            return;
        }
        if (end == held.size()) {
            return;
        }
        String line = new String(held.copy(0, end), ISO_8859_1);
        if (line.endsWith("\r")) {
            line = line.substring(0, line.length() - 1);
        }
        if (line.matches("SOURCE [0-9]{1,13}") && Long.parseLong(line.substring(7)) <= MAX_SOURCE) {
            conversation = Conversation.SOURCE;
            left = Long.parseLong(line.substring(7));
            ending = left == 0;
        } else {
            switch (line) {
                case "ECHO" -> conversation = Conversation.ECHO;
                case "SINK" -> conversation = Conversation.SINK;
                case "PROBE" -> conversation = Conversation.PROBE;
                default -> {
                    end();
                    return;
                }
            }
        }
        say("OK " + number + "\n");
        byte[] rest = held.copy(end + 1, held.size());
        held.drop(held.size());
        if (rest.length > 0) {
            feed(ByteBuffer.wrap(rest));
        }
    }

    /** Makes a piece of SOURCE, where there is room for it. */
    private void produce() {
        if (left == 0 || out.size() >= Server.PIECE) {
            return;
        }
        int n = (int) Math.min(left, Server.PIECE);
        out.append(PATTERN, (int) (made % PERIOD), n);
        made += n;
        left -= n;
        ending |= left == 0;
    }

    private void frames() {
        while (held.size() >= 4) {
            int length = held.view().getInt();
            if (length < 1 || length > MAX_FRAME) {
                end();
                return;
            }
            if (held.size() < 4 + length) {
                return;
            }
            byte[] body = held.copy(4, 4 + length);
            held.drop(4 + length);
            int digits = 0;
            while (digits < length && '0' <= body[digits] && body[digits] <= '9') {
                digits++;
            }
            if (digits == 0 || digits < length && body[digits] != ' ') {
                end();
                return;
            }
            byte[] request = Arrays.copyOfRange(body, Math.min(digits + 1, length), length);
            byte[] answer = answer(request);
            out.append(ByteBuffer.allocate(4).putInt(digits + 1 + answer.length).array());
            out.append(body, 0, digits);
            say(" ");
            out.append(answer);
        }
    }

    private byte[] answer(byte[] request) {
        String text = new String(request, ISO_8859_1); // a character for each byte
        String verb = text.split(" ", 2)[0];
        String answer = switch (verb) {
            case "PING" -> "ok" + text.substring(verb.length());
            case "HELLO" -> "ok class=reactor loops=1 features=" + FEATURES + " limit=" + LIMIT + " wakeup=- poller=epoll nonce=" + nonce();
            case "WHERE" -> "ok loop=0 tid=" + thread() + " conn=" + number;
            default -> "unsupported";
        };
        return answer.getBytes(ISO_8859_1);
    }

    private static String nonce() {
        String nonce = System.getenv("REACTORSPEC_NONCE");
        return nonce == null || nonce.isEmpty() ? "-" : nonce;
    }

    /** The kernel's number of this thread, which Java does not tell. */
    private static String thread() {
        try {
            return Files.readSymbolicLink(Path.of("/proc/thread-self")).getFileName().toString();
        } catch (IOException e) {
            return "0";
        }
    }
}
