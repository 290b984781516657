/* An RFC 862 echo server on libuv. Reading pauses while more than LIMIT bytes wait to be written. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum { LIMIT = 1 << 20 };

typedef struct { uv_tcp_t tcp; int paused, ended; } client_t;
typedef struct { uv_write_t req; uv_buf_t buf; } write_t;

static void on_close(uv_handle_t *h) { free(h->data); }

static void end(client_t *c) {
	if (!uv_is_closing((uv_handle_t *)&c->tcp)) uv_close((uv_handle_t *)&c->tcp, on_close);
}

static void on_shutdown(uv_shutdown_t *req, int status) {
	(void)status;
	end(req->data);
	free(req);
}

static void on_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf) {
	(void)h;
	buf->base = malloc(size);
	buf->len = buf->base ? size : 0;
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf);

static void on_written(uv_write_t *req, int status) {
	write_t *w = (write_t *)req;
	client_t *c = req->handle->data;
	free(w->buf.base);
	free(w);
	if (status < 0) { end(c); return; }
	if (c->paused && !c->ended && !uv_is_closing((uv_handle_t *)&c->tcp) && c->tcp.write_queue_size < LIMIT / 2) {
		c->paused = 0;
		uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
	}
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf) {
	client_t *c = s->data;
	if (n > 0) {
		write_t *w = malloc(sizeof *w);
		w->buf = uv_buf_init(buf->base, (unsigned)n);
		if (uv_write(&w->req, s, &w->buf, 1, on_written) != 0) { free(w->buf.base); free(w); end(c); return; }
		if (c->tcp.write_queue_size > LIMIT) { c->paused = 1; uv_read_stop(s); }
		return;
	}
	free(buf->base);
	if (n == 0) return;
	if (n == UV_EOF) {
		uv_shutdown_t *req = malloc(sizeof *req);
		c->ended = 1;
		uv_read_stop(s);
		req->data = c;
		if (uv_shutdown(req, s, on_shutdown) != 0) { free(req); end(c); }
		return;
	}
	end(c);
}

static void on_connection(uv_stream_t *server, int status) {
	if (status < 0) return; /* libuv keeps the listener */
	client_t *c = calloc(1, sizeof *c);
	uv_tcp_init(server->loop, &c->tcp);
	c->tcp.data = c;
	if (uv_accept(server, (uv_stream_t *)&c->tcp) != 0) { end(c); return; }
	uv_tcp_nodelay(&c->tcp, 1);
	uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

int main(void) {
	const char *port = getenv("PORT");
	struct sockaddr_in addr;
	uv_tcp_t server;
	signal(SIGPIPE, SIG_IGN);
	uv_ip4_addr("127.0.0.1", port ? atoi(port) : 0, &addr);
	uv_tcp_init(uv_default_loop(), &server);
	if (uv_tcp_bind(&server, (struct sockaddr *)&addr, 0) != 0 || uv_listen((uv_stream_t *)&server, 4096, on_connection) != 0) {
		fprintf(stderr, "cannot listen on 127.0.0.1:%s\n", port);
		return 1;
	}
	return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
