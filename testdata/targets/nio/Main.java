import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/**
 * An RFC 862 echo server on java.nio. What could not be written at once is kept, and nothing is
 * read until it has gone.
 */
public final class Main {
    private static final int REST = 100; // milliseconds without accepting, when descriptors are out

    public static void main(String[] args) throws IOException {
        Selector selector = Selector.open();
        ServerSocketChannel server = ServerSocketChannel.open();
        server.bind(new InetSocketAddress("127.0.0.1", Integer.parseInt(System.getenv("PORT"))), 4096);
        server.configureBlocking(false);
        SelectionKey accepts = server.register(selector, SelectionKey.OP_ACCEPT);
        for (;;) {
            boolean rested = accepts.interestOps() == 0;
            selector.select(key -> {
                if (key != accepts) {
                    serve(key);
                } else if (!accept(selector, server)) {
                    accepts.interestOps(0);
                }
            }, rested ? REST : 0);
            if (rested) {
                accepts.interestOps(SelectionKey.OP_ACCEPT);
            }
        }
    }

    private static boolean accept(Selector selector, ServerSocketChannel server) {
        try {
            SocketChannel client = server.accept();
            if (client != null) {
                client.configureBlocking(false);
                client.register(selector, SelectionKey.OP_READ, ByteBuffer.allocateDirect(65536));
            }
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static void serve(SelectionKey key) {
        SocketChannel client = (SocketChannel) key.channel();
        ByteBuffer bytes = (ByteBuffer) key.attachment();
        try {
            if (key.isReadable()) {
                if (client.read(bytes.clear()) < 0) {
                    client.close();
                    return;
                }
                bytes.flip();
            }
            client.write(bytes);
            key.interestOps(bytes.hasRemaining() ? SelectionKey.OP_WRITE : SelectionKey.OP_READ);
        } catch (IOException e) {
            try {
                client.close();
            } catch (IOException ignored) {
                // It is gone either way.
            }
        }
    }
}
