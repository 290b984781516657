import io.undertow.Undertow;
import io.undertow.util.Headers;

/** The query of a request comes back as the body, by Undertow. */
public final class Main {
    public static void main(String[] args) {
        Undertow.builder()
                .addHttpListener(Integer.parseInt(System.getenv("PORT")), "127.0.0.1")
                .setHandler(exchange -> {
                    exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, "text/plain");
                    exchange.getResponseSender().send(exchange.getQueryString());
                })
                .build()
                .start();
    }
}
