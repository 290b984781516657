/* An RFC 862 echo server on libev: what could not be written at once is kept, and nothing
   is read until it has gone. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE = 65536 };

struct client {
	ev_io io;
	int at, due;
	char bytes[SIZE];
};

static ev_timer rest;
static ev_io listener;

static void leave(EV_P_ struct client *c) {
	ev_io_stop(EV_A_ &c->io);
	close(c->io.fd);
	free(c);
}

static void watch(EV_P_ struct client *c, int events) {
	ev_io_stop(EV_A_ &c->io);
	ev_io_set(&c->io, c->io.fd, events);
	ev_io_start(EV_A_ &c->io);
}

static void on_io(EV_P_ ev_io *w, int events) {
	struct client *c = (struct client *)w;
	ssize_t n;
	if (events & EV_READ) {
		n = read(w->fd, c->bytes, SIZE);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			leave(EV_A_ c);
			return;
		}
		c->at = 0;
		c->due = n;
	}
	n = write(w->fd, c->bytes + c->at, c->due);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		leave(EV_A_ c);
		return;
	}
	if (n > 0) {
		c->at += n;
		c->due -= n;
	}
	if (c->due > 0 && (events & EV_READ))
		watch(EV_A_ c, EV_WRITE);
	else if (c->due == 0 && (events & EV_WRITE))
		watch(EV_A_ c, EV_READ);
}

static void on_rested(EV_P_ ev_timer *w, int events) {
	(void)w, (void)events;
	ev_io_start(EV_A_ &listener);
}

static void on_accept(EV_P_ ev_io *w, int events) {
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *c;
	(void)events;
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			ev_io_stop(EV_A_ w);
			ev_timer_set(&rest, 0.1, 0);
			ev_timer_start(EV_A_ &rest);
		}
		return;
	}
	c = calloc(1, sizeof *c);
	ev_io_init(&c->io, on_io, fd, EV_READ);
	ev_io_start(EV_A_ &c->io);
}

int main(void) {
	struct ev_loop *loop = EV_DEFAULT;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(getenv("PORT"))), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	signal(SIGPIPE, SIG_IGN);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, SOMAXCONN) != 0) {
		perror("cannot listen");
		return 1;
	}
	ev_init(&rest, on_rested);
	ev_io_init(&listener, on_accept, fd, EV_READ);
	ev_io_start(loop, &listener);
	return ev_run(loop, 0);
}
