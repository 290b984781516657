// An RFC 862 echo server in Vala: async methods on GLib's main loop.
async void echo(SocketConnection connection) {
	var bytes = new uint8[65536];
	try {
		for (;;) {
			ssize_t n = yield connection.input_stream.read_async(bytes);
			if (n == 0) {
				break;
			}
			yield connection.output_stream.write_all_async(bytes[0:n], Priority.DEFAULT, null, null);
		}
		yield connection.close_async();
	} catch (Error e) {
		// The client is gone; the connection goes with its last reference.
	}
}

int main() {
	var service = new SocketService();
	try {
		var address = new InetSocketAddress.from_string("127.0.0.1", int.parse(Environment.get_variable("PORT")));
		service.add_address(address, SocketType.STREAM, SocketProtocol.TCP, null, null);
	} catch (Error e) {
		stderr.printf("%s\n", e.message);
		return 1;
	}
	service.incoming.connect((connection) => {
		echo.begin(connection);
		return true;
	});
	new MainLoop().run();
	return 0;
}
