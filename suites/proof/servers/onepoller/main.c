/*
 * onepoller: an echo server of 32 threads that share one poller; whichever is free
 * serves the connection that is ready.
 *
 *   onepoller PORT stays   a thread stays with a client until it has read its reply
 *   onepoller PORT none    what the client does not take yet waits on the poller
 *   onepoller PORT idle    as none, beside a second poller, and a thread that waits on
 *                          it, which no connection is ever given to
 *   onepoller PORT two     as idle, but every other connection is given to the second
 *   onepoller PORT timers  as idle, but the second is the timers' own: it watches a
 *                          timer and a pipe, and no connection belongs there
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { threads = 32, piece = 65536, reads = 4 };

/* A connection belongs to one thread at a time: it hangs on the poller for one
 * event, and who took that puts it back. */
struct connection {
	int fd, ended, poller;
	size_t from, to;
	char data[piece];
};

static int poller, second, listener, stays, shared;

static void arm(int how, int fd, struct connection *c, unsigned events) {
	struct epoll_event e = {.events = events | EPOLLONESHOT, .data.ptr = c};
	epoll_ctl(c ? c->poller : poller, how, fd, &e);
}

/* put returns 0 when the connection is broken. */
static int put(struct connection *c) {
	while (c->from < c->to) {
		ssize_t n = send(c->fd, c->data + c->from, c->to - c->from, MSG_NOSIGNAL);
		if (n >= 0) {
			c->from += (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return 0;
		if (!stays)
			return 1;
		struct pollfd room = {.fd = c->fd, .events = POLLOUT};
		poll(&room, 1, -1);
	}
	c->from = c->to = 0;
	return 1;
}

static void serve(struct connection *c) {
	int sound = put(c);
	for (int i = 0; i < reads && sound && c->to == 0 && !c->ended; i++) {
		ssize_t n = recv(c->fd, c->data, piece, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			sound = errno == EAGAIN;
			break;
		}
		c->ended = n == 0;
		c->to = (size_t)n;
		sound = put(c);
	}
	if (!sound || (c->ended && c->to == 0)) {
		close(c->fd);
		free(c);
		return;
	}
	arm(EPOLL_CTL_MOD, c->fd, c, c->to > 0 ? EPOLLOUT : EPOLLIN);
}

static void enter(void) {
	static int turn;
	int fd, on = 1;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0 || errno == ECONNABORTED || errno == EINTR) {
		if (fd < 0)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		struct connection *c = malloc(sizeof *c);
		c->fd = fd;
		c->ended = 0;
		c->poller = shared && __sync_fetch_and_add(&turn, 1) % 2 ? second : poller;
		c->from = c->to = 0;
		arm(EPOLL_CTL_ADD, fd, c, EPOLLIN);
	}
	if (errno == EMFILE || errno == ENFILE)
		usleep(50000);
	arm(EPOLL_CTL_MOD, listener, NULL, EPOLLIN);
}

static void *work(void *which) {
	for (;;) {
		struct epoll_event e;
		if (epoll_wait(*(int *)which, &e, 1, -1) != 1)
			continue;
		if (e.data.ptr)
			serve(e.data.ptr);
		else
			enter();
	}
	return which;
}

int main(int argc, char **argv) {
	if (argc != 3) {
		fprintf(stderr, "usage: onepoller PORT stays|none|idle|two|timers\n");
		return 2;
	}
	stays = strcmp(argv[2], "stays") == 0;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
	int on = 1;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0) {
		perror("listen");
		return 1;
	}
	poller = epoll_create1(EPOLL_CLOEXEC);
	pthread_t other;
	second = epoll_create1(EPOLL_CLOEXEC);
	shared = strcmp(argv[2], "two") == 0;
	int timers = strcmp(argv[2], "timers") == 0, ends[2];
	if (timers && pipe2(ends, O_CLOEXEC) == 0) {
		struct epoll_event e = {.events = EPOLLIN};
		epoll_ctl(second, EPOLL_CTL_ADD, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), &e);
		epoll_ctl(second, EPOLL_CTL_ADD, ends[0], &e);
	}
	if (!shared && !timers && strcmp(argv[2], "idle") != 0)
		close(second);
	else if (pthread_create(&other, NULL, work, &second) != 0)
		return 1;
	arm(EPOLL_CTL_ADD, listener, NULL, EPOLLIN);
	for (int i = 1; i < threads; i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, work, &poller) != 0)
			return 1;
	}
	work(&poller);
}
