// Echo on libuv: uv_try_write from one shared read buffer, uv_write for what
// the kernel did not take at once.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static char buffer[64 * 1024];

struct later {
    uv_write_t request;
    char bytes[];
};

static void must(int code, const char *what) {
    if (code < 0) {
        fprintf(stderr, "%s: %s\n", what, uv_strerror(code));
        exit(1);
    }
}

static void closed(uv_handle_t *h) { free(h); }

static void lend(uv_handle_t *h, size_t want, uv_buf_t *b) {
    (void)h;
    (void)want;
    *b = uv_buf_init(buffer, sizeof buffer);
}

static void written(uv_write_t *w, int status) {
    (void)status;
    free(w);
}

static void got(uv_stream_t *s, ssize_t n, const uv_buf_t *b) {
    if (n == 0) return;
    if (n < 0) {
        uv_close((uv_handle_t *)s, closed);
        return;
    }
    uv_buf_t out = uv_buf_init(b->base, (unsigned)n);
    int m = uv_try_write(s, &out, 1);
    if (m == UV_EAGAIN) m = 0;
    if (m < 0) {
        uv_close((uv_handle_t *)s, closed);
        return;
    }
    if (m < n) {
        struct later *l = malloc(sizeof *l + (size_t)(n - m));
        memcpy(l->bytes, b->base + m, (size_t)(n - m));
        uv_buf_t rest = uv_buf_init(l->bytes, (unsigned)(n - m));
        must(uv_write(&l->request, s, &rest, 1, written), "uv_write");
    }
}

static void came(uv_stream_t *listener, int status) {
    must(status, "listen");
    uv_tcp_t *c = malloc(sizeof *c);
    must(uv_tcp_init(listener->loop, c), "uv_tcp_init");
    must(uv_accept(listener, (uv_stream_t *)c), "uv_accept");
    uv_tcp_nodelay(c, 1);
    must(uv_read_start((uv_stream_t *)c, lend, got), "uv_read_start");
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s PORT\n", argv[0]);
        return 2;
    }
    uv_tcp_t listener;
    struct sockaddr_in at;
    must(uv_ip4_addr("127.0.0.1", atoi(argv[1]), &at), "uv_ip4_addr");
    must(uv_tcp_init(uv_default_loop(), &listener), "uv_tcp_init");
    must(uv_tcp_bind(&listener, (struct sockaddr *)&at, 0), "uv_tcp_bind");
    must(uv_listen((uv_stream_t *)&listener, 4096, came), "uv_listen");
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
