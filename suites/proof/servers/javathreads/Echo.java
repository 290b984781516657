import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** An echo server with a thread for each connection. */
public class Echo {
	public static void main(String[] args) throws IOException {
		try (ServerSocket listener = new ServerSocket(Integer.parseInt(args[0]), 4096, InetAddress.getLoopbackAddress())) {
			for (;;) {
				Socket client = listener.accept();
				client.setTcpNoDelay(true);
				new Thread(() -> serve(client)).start();
			}
		}
	}

	static void serve(Socket client) {
		try (client) {
			client.getInputStream().transferTo(client.getOutputStream());
		} catch (IOException gone) {
			// the client has reset the connection
		}
	}
}
