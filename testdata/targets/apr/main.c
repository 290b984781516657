/* An RFC 862 echo server on APR's pollset: what could not be written at once is kept, and
   nothing is read until it has gone. */
#include <apr_general.h>
#include <apr_network_io.h>
#include <apr_poll.h>
#include <apr_signal.h>
#include <apr_time.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 65536, EVENTS = 1024 };

struct client {
	apr_pool_t *pool;
	apr_pollfd_t watched;
	apr_size_t at, due;
	char bytes[SIZE];
};

static apr_pollset_t *set;

static void watch(struct client *c, apr_int16_t events) {
	apr_pollset_remove(set, &c->watched);
	c->watched.reqevents = events;
	apr_pollset_add(set, &c->watched);
}

static void leave(struct client *c) {
	apr_pollset_remove(set, &c->watched);
	apr_pool_destroy(c->pool); /* closes the socket */
	free(c);
}

static void serve(struct client *c) {
	apr_size_t n = SIZE;
	apr_status_t status;
	if (c->due == 0) {
		status = apr_socket_recv(c->watched.desc.s, c->bytes, &n);
		if (APR_STATUS_IS_EAGAIN(status) || APR_STATUS_IS_EINTR(status))
			return;
		if (status != APR_SUCCESS || n == 0) {
			leave(c);
			return;
		}
		c->at = 0;
		c->due = n;
	}
	n = c->due;
	status = apr_socket_send(c->watched.desc.s, c->bytes + c->at, &n);
	if (status != APR_SUCCESS && !APR_STATUS_IS_EAGAIN(status) && !APR_STATUS_IS_EINTR(status)) {
		leave(c);
		return;
	}
	c->at += n;
	c->due -= n;
	if ((c->due > 0) != (c->watched.reqevents == APR_POLLOUT))
		watch(c, c->due > 0 ? APR_POLLOUT : APR_POLLIN);
}

/* reports whether the listener should rest */
static int take(apr_socket_t *listener, apr_pool_t *root) {
	struct client *c;
	apr_pool_t *pool;
	apr_socket_t *s;
	apr_status_t status;
	apr_pool_create(&pool, root);
	status = apr_socket_accept(&s, listener, pool);
	if (status != APR_SUCCESS) {
		apr_pool_destroy(pool);
		return APR_STATUS_IS_EMFILE(status) || APR_STATUS_IS_ENFILE(status) || APR_STATUS_IS_ENOMEM(status);
	}
	apr_socket_opt_set(s, APR_SO_NONBLOCK, 1);
	apr_socket_timeout_set(s, 0);
	c = calloc(1, sizeof *c);
	c->pool = pool;
	c->watched = (apr_pollfd_t){.p = pool, .desc_type = APR_POLL_SOCKET, .reqevents = APR_POLLIN, .desc.s = s, .client_data = c};
	apr_pollset_add(set, &c->watched);
	return 0;
}

int main(void) {
	apr_pool_t *root;
	apr_sockaddr_t *address;
	apr_socket_t *s;
	apr_pollfd_t listener;
	apr_interval_time_t wait = -1;
	apr_initialize();
	apr_signal(SIGPIPE, SIG_IGN);
	apr_pool_create(&root, NULL);
	apr_sockaddr_info_get(&address, "127.0.0.1", APR_INET, atoi(getenv("PORT")), 0, root);
	apr_socket_create(&s, APR_INET, SOCK_STREAM, APR_PROTO_TCP, root);
	apr_socket_opt_set(s, APR_SO_REUSEADDR, 1);
	apr_socket_opt_set(s, APR_SO_NONBLOCK, 1);
	apr_socket_timeout_set(s, 0);
	if (apr_socket_bind(s, address) != APR_SUCCESS || apr_socket_listen(s, SOMAXCONN) != APR_SUCCESS) {
		fprintf(stderr, "cannot listen\n");
		return 1;
	}
	apr_pollset_create(&set, EVENTS, root, 0);
	listener = (apr_pollfd_t){.p = root, .desc_type = APR_POLL_SOCKET, .reqevents = APR_POLLIN, .desc.s = s};
	apr_pollset_add(set, &listener);
	for (;;) {
		apr_int32_t count = 0;
		const apr_pollfd_t *ready;
		apr_status_t status = apr_pollset_poll(set, wait, &count, &ready);
		if (wait >= 0) { /* rested */
			apr_pollset_add(set, &listener);
			wait = -1;
		}
		if (status != APR_SUCCESS)
			continue;
		for (int i = 0; i < count; i++) {
			if (ready[i].client_data)
				serve(ready[i].client_data);
			else if (take(s, root)) {
				apr_pollset_remove(set, &listener);
				wait = apr_time_from_msec(100);
			}
		}
	}
}
