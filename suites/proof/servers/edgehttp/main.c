/*
 * edgehttp: a server of one thread that answers each GET with the same page, on epoll(7)
 * with edges.
 *
 *   edgehttp PORT short   a read that does not fill its buffer is taken to have emptied
 *                         the socket: of a FIN that came with half a request nothing is
 *                         heard any more, since there is no other edge
 *   edgehttp PORT none    it reads on until there is nothing
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { table = 65536, piece = 16384, pause_for = 100 };

static const char page[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";

/* A connection: how far the blank line has come that ends a head, and how many bytes
 * of replies are due. */
struct connection {
	int matched, amid, ended;
	size_t due;
};

static struct connection *connections[table];

/* answer writes what is due as far as there is room; -1 when the connection is broken. */
static int answer(int fd, struct connection *c) {
	const size_t whole = sizeof page - 1;
	while (c->due > 0) {
		size_t left = (c->due - 1) % whole + 1; /* of the page that is under way */
		ssize_t n = send(fd, page + whole - left, left, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		c->due -= (size_t)n;
	}
	return 0;
}

/* serve returns -1 when the connection is over. */
static int serve(int fd, struct connection *c, int is_short) {
	char data[piece];
	if (answer(fd, c) < 0)
		return -1;
	while (c->due == 0 && !c->ended) {
		ssize_t n = recv(fd, data, sizeof data, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		c->ended = n == 0;
		for (ssize_t i = 0; i < n; i++) {
			if (!c->amid && data[i] != 'G')
				return -1; /* what is no GET may have a body */
			c->amid = 1;
			c->matched = data[i] == "\r\n\r\n"[c->matched] ? c->matched + 1 : data[i] == '\r';
			if (c->matched == 4) {
				c->matched = c->amid = 0;
				c->due += sizeof page - 1;
			}
		}
		if (answer(fd, c) < 0)
			return -1;
		if (is_short && n < piece)
			return 0;
	}
	return c->ended && c->due == 0 ? -1 : 0;
}

int main(int argc, char **argv) {
	if (argc != 3) {
		fprintf(stderr, "usage: edgehttp PORT short|none\n");
		return 2;
	}
	int is_short = strcmp(argv[2], "short") == 0, on = 1;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0) {
		perror("listen");
		return 1;
	}
	int poller = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event listening = {.events = EPOLLIN, .data.fd = listener}, ready[64];
	epoll_ctl(poller, EPOLL_CTL_ADD, listener, &listening);
	for (int alone = 0;;) {
		int n = epoll_wait(poller, ready, sizeof ready / sizeof *ready, alone ? pause_for : -1);
		if (alone && n == 0) {
			epoll_ctl(poller, EPOLL_CTL_ADD, listener, &listening);
			alone = 0;
		}
		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd;
			if (fd == listener) {
				fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
				if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
					epoll_ctl(poller, EPOLL_CTL_DEL, listener, NULL);
					alone = 1;
				}
				if (fd < 0)
					continue;
				setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
				connections[fd] = calloc(1, sizeof *connections[fd]);
				struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.fd = fd};
				epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
			} else if (ready[i].events & EPOLLERR || serve(fd, connections[fd], is_short) < 0) {
				close(fd);
				free(connections[fd]);
				connections[fd] = NULL;
			}
		}
	}
}
