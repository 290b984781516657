/*
 * select: a server of one thread on select(2) that answers the Redis ECHO
 * command, with the fault that a Go reactor cannot have: nobody asks whether a
 * descriptor fits an fd_set.
 *
 *   select PORT overflow   FD_SET writes behind the set, and what is handed to
 *                          select(2) is a copy of the set alone: a descriptor of
 *                          1,024 or more is never looked at
 *   select PORT none       the copy is as large as the kernel's table, to show
 *                          that the fault is the difference
 *
 * The bits behind the set have room of their own, so that what the overflow does
 * is the same in every run.
 */
#undef _FORTIFY_SOURCE /* it ends the process at the first FD_SET beyond the set */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

enum { most = 16384, piece = 16384 };

/* A connection has at most one piece that was read and is not yet written. */
struct connection {
	int ended;
	size_t named;  /* bytes of the command's name that were read */
	size_t length; /* of the argument, as far as its digits were read */
	size_t left;   /* bytes of the argument, and its line end, to come */
	size_t from, to;
	char data[piece];
};

/* A set begins with the fd_set that the C library knows. */
union set {
	fd_set known;
	char whole[most / 8];
};

static union set readable, writable;
static struct connection *connections[most];
static int listener, highest;

/* answers makes the replies of the requests in place: the reply to
 * "*2\r\n$4\r\nECHO\r\n$<n>\r\n<n bytes>\r\n" is what stands behind the name. */
static size_t answers(struct connection *c, size_t n) {
	const size_t name = sizeof "*2\r\n$4\r\nECHO\r\n" - 1;
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		char b = c->data[i];
		if (c->left == 0 && c->named < name) {
			c->named++;
			continue;
		}
		c->data[kept++] = b;
		if (c->left > 0) {
			if (--c->left == 0)
				c->named = c->length = 0;
		} else if (b >= '0' && b <= '9') {
			c->length = 10 * c->length + (size_t)(b - '0');
		} else if (b == '\n') {
			c->left = c->length + 2;
		}
	}
	return kept;
}

static void leave(int fd) {
	FD_CLR(fd, &readable.known);
	FD_CLR(fd, &writable.known);
	free(connections[fd]);
	connections[fd] = NULL;
	close(fd);
	while (highest > listener && connections[highest] == NULL)
		highest--;
}

static void enter(void) {
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			usleep(20000); /* who waits stays readable: a moment's rest, or it spins */
		return;
	}
	if (fd >= most) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	connections[fd] = calloc(1, sizeof(struct connection));
	FD_SET(fd, &readable.known);
	if (fd > highest)
		highest = fd;
}

/* serve returns 0 when the connection is over. */
static int serve(int fd) {
	struct connection *c = connections[fd];
	if (c->from == c->to && !c->ended) {
		ssize_t n = read(fd, c->data, piece);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		c->from = 0;
		c->to = answers(c, (size_t)n);
		c->ended = n == 0;
	}
	if (c->from < c->to) {
		ssize_t n = write(fd, c->data + c->from, c->to - c->from);
		if (n < 0 && errno != EAGAIN)
			return 0;
		if (n > 0)
			c->from += (size_t)n;
	}
	if (c->from < c->to) {
		FD_CLR(fd, &readable.known);
		FD_SET(fd, &writable.known);
		return 1;
	}
	FD_CLR(fd, &writable.known);
	FD_SET(fd, &readable.known);
	return !c->ended;
}

int main(int argc, char **argv) {
	if (argc != 3) {
		fprintf(stderr, "usage: select PORT overflow|none\n");
		return 2;
	}
	size_t copied = strcmp(argv[2], "overflow") == 0 ? sizeof(fd_set) : sizeof(union set);
	signal(SIGPIPE, SIG_IGN);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
	int on = 1;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0)
		return 1;
	FD_SET(listener, &readable.known);
	highest = listener;
	for (;;) {
		static union set in, out;
		memcpy(&in, &readable, copied);
		memcpy(&out, &writable, copied);
		int last = highest;
		if (select(last + 1, &in.known, &out.known, NULL, NULL) < 0)
			continue;
		for (int fd = listener + 1; fd <= last; fd++)
			if (connections[fd] && (FD_ISSET(fd, &in.known) || FD_ISSET(fd, &out.known)) && !serve(fd))
				leave(fd);
		if (FD_ISSET(listener, &in.known))
			enter();
	}
}
