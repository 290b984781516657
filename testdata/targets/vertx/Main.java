import io.vertx.core.Vertx;
import io.vertx.core.net.NetServerOptions;

/** The echo server of Vert.x' documentation: a socket piped to itself, with its back-pressure. */
public final class Main {
    public static void main(String[] args) {
        Vertx.vertx()
                .createNetServer(new NetServerOptions().setHost("127.0.0.1").setPort(Integer.parseInt(System.getenv("PORT"))))
                .connectHandler(socket -> socket.pipeTo(socket))
                .listen();
    }
}
