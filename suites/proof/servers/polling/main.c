/*
 * polling: an echo server of one thread on poll(2), with one of two faults that
 * a Go reactor cannot have.
 *
 *   polling PORT sigpipe    SIGPIPE keeps its default action
 *   polling PORT blocking   a write waits until the socket has taken all of it
 *   polling PORT none       neither, to show that the faults are the difference
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { most = 4096, piece = 16384 };

/* A connection has at most one piece that was read and is not yet written. */
struct connection {
	int ended;
	size_t from, to;
	char data[piece];
};

static struct pollfd watched[most];
static struct connection *connections[most];
static int count = 1, blocking;

static void leave(int i) {
	close(watched[i].fd);
	free(connections[i]);
	count--;
	watched[i] = watched[count];
	connections[i] = connections[count];
}

static void enter(int listener) {
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK)), on = 1;
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			usleep(20000); /* who waits stays readable: a moment's rest, or it spins */
		return;
	}
	if (count == most) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	watched[count] = (struct pollfd){.fd = fd, .events = POLLIN};
	connections[count++] = calloc(1, sizeof(struct connection));
}

/* serve returns 0 when the connection is over. */
static int serve(int i) {
	struct connection *c = connections[i];
	int fd = watched[i].fd;
	if (c->from == c->to && !c->ended) {
		ssize_t n = read(fd, c->data, piece);
		if (n < 0)
			/* The error was taken by the read; a write now is what raises SIGPIPE. */
			return errno == EAGAIN || write(fd, "?", 1) > 0;
		c->from = 0;
		c->to = (size_t)n;
		c->ended = n == 0;
	}
	while (c->from < c->to) {
		ssize_t n = write(fd, c->data + c->from, c->to - c->from);
		if (n < 0 && errno != EAGAIN)
			return 0;
		if (n > 0)
			c->from += (size_t)n;
		if (!blocking)
			break;
	}
	watched[i].events = c->from < c->to ? POLLOUT : POLLIN;
	return c->from < c->to || !c->ended;
}

int main(int argc, char **argv) {
	if (argc != 3) {
		fprintf(stderr, "usage: polling PORT sigpipe|blocking|none\n");
		return 2;
	}
	blocking = strcmp(argv[2], "blocking") == 0;
	if (strcmp(argv[2], "sigpipe") != 0)
		signal(SIGPIPE, SIG_IGN);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0)
		return 1;
	watched[0] = (struct pollfd){.fd = listener, .events = POLLIN};
	for (;;) {
		if (poll(watched, (nfds_t)count, -1) < 0)
			continue;
		for (int i = count - 1; i > 0; i--)
			if (watched[i].revents && !serve(i))
				leave(i);
		if (watched[0].revents)
			enter(listener);
	}
}
