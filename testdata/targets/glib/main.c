/* An RFC 862 echo server on GIO: a GSocketService, and asynchronous streams. */
#include <gio/gio.h>
#include <stdlib.h>

enum { SIZE = 65536 };

struct client {
	GSocketConnection *connection;
	char bytes[SIZE];
};

static void on_read(GObject *source, GAsyncResult *result, gpointer data);

static void leave(struct client *c) {
	g_object_unref(c->connection); /* closes it */
	g_free(c);
}

static void next(struct client *c) {
	g_input_stream_read_async(g_io_stream_get_input_stream(G_IO_STREAM(c->connection)), c->bytes, SIZE, G_PRIORITY_DEFAULT, NULL, on_read, c);
}

static void on_written(GObject *source, GAsyncResult *result, gpointer data) {
	if (g_output_stream_write_all_finish(G_OUTPUT_STREAM(source), result, NULL, NULL))
		next(data);
	else
		leave(data);
}

static void on_read(GObject *source, GAsyncResult *result, gpointer data) {
	struct client *c = data;
	gssize n = g_input_stream_read_finish(G_INPUT_STREAM(source), result, NULL);
	if (n > 0)
		g_output_stream_write_all_async(g_io_stream_get_output_stream(G_IO_STREAM(c->connection)), c->bytes, n, G_PRIORITY_DEFAULT, NULL, on_written, c);
	else
		leave(c);
}

static gboolean on_incoming(GSocketService *service, GSocketConnection *connection, GObject *from, gpointer data) {
	struct client *c = g_new0(struct client, 1);
	(void)service, (void)from, (void)data;
	c->connection = g_object_ref(connection);
	next(c);
	return TRUE;
}

int main(void) {
	GSocketService *service = g_socket_service_new();
	GSocketAddress *address = g_inet_socket_address_new_from_string("127.0.0.1", atoi(getenv("PORT")));
	GError *error = NULL;
	if (!g_socket_listener_add_address(G_SOCKET_LISTENER(service), address, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, NULL, &error)) {
		g_printerr("%s\n", error->message);
		return 1;
	}
	g_signal_connect(service, "incoming", G_CALLBACK(on_incoming), NULL);
	g_main_loop_run(g_main_loop_new(NULL, FALSE));
	return 0;
}
