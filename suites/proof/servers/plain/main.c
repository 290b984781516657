/*
 * plain: an echo server of one thread on epoll(7), as short as it can be, with one
 * thing more.
 *
 *   plain PORT none
 *
 *   plain PORT spins-late    five seconds after the last event it polls without a timeout
 *   plain PORT works-late    five seconds after the last event it works for three seconds, once
 *
 *   plain PORT helper-spins  a process that has left its parents, their session and their
 *                            environment burns a core
 *   plain PORT helper-waits  it sleeps instead
 *
 *   plain PORT closes        without descriptors it closes its listener for good
 *   plain PORT closes-early  it does so when it takes the last descriptor, before accept has failed
 *
 *   plain PORT edge=one N    the listener, whose queue holds N more than one, reports edges, and one
 *                            client is accepted for each
 *   plain PORT edge=all N    all are
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { table = 65536, piece = 65536, rest_for = 5000, work_for = 3000, pause_for = 100, gone_after = 180 };

/* A connection is not read from while output waits. */
struct connection {
	size_t from, to;
	char data[piece];
};

static struct connection *connections[table];
static int poller, listener, one_an_edge, edges, closes, closes_early;

static long now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void ask(int how, int fd, unsigned events) {
	struct epoll_event e = {.events = events, .data.fd = fd};
	epoll_ctl(poller, how, fd, &e);
}

static void leave(int fd) {
	close(fd);
	free(connections[fd]);
	connections[fd] = NULL;
}

static void serve(int fd) {
	struct connection *c = connections[fd];
	if (c->from == c->to) {
		ssize_t n = recv(fd, c->data, piece, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			leave(fd);
			return;
		}
		c->from = 0;
		c->to = (size_t)n;
	}
	ssize_t n = send(fd, c->data + c->from, c->to - c->from, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		leave(fd);
		return;
	}
	if (n > 0)
		c->from += (size_t)n;
	ask(EPOLL_CTL_MOD, fd, c->from < c->to ? EPOLLOUT : EPOLLIN);
}

static void stop_listening(void) {
	close(listener);
	listener = -1;
}

/* last reports whether no descriptor is left. */
static int last(void) {
	int fd = fcntl(listener, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0)
		close(fd);
	return fd < 0;
}

/* enter returns whether the listener has to be let alone for a while. */
static int enter(void) {
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		if (fd < 0 && errno == EAGAIN)
			return 0;
		if (fd < 0 && closes)
			stop_listening();
		if (fd < 0)
			return listener >= 0;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		connections[fd] = calloc(1, sizeof *connections[fd]);
		ask(EPOLL_CTL_ADD, fd, EPOLLIN);
		if (closes_early && last()) {
			stop_listening();
			return 0;
		}
		if (one_an_edge)
			return 0;
	}
}

static void burn(long ms) {
	for (long until = now() + ms; now() < until;)
		;
}

/* helper starts a process that nobody finds by its parents, its session or its environment. */
static void helper(char *self, const char *what) {
	if (fork() != 0)
		return;
	setsid();
	if (fork() != 0)
		_exit(0);
	execve(self, (char *[]){"plain", "0", (char *)what, NULL}, (char *[]){NULL});
	_exit(1);
}

int main(int argc, char **argv) {
	if (argc < 3) {
		fprintf(stderr, "usage: plain PORT WORD, with the words at the head of main.c\n");
		return 2;
	}
	const char *word = argv[2];
	alarm(strcmp(argv[1], "0") == 0 ? gone_after : 0); /* a helper whom nobody has ended */
	if (strcmp(word, "burn") == 0)
		burn(gone_after * 1000);
	if (strcmp(word, "wait") == 0)
		pause();
	int spins_late = strcmp(word, "spins-late") == 0, works_late = strcmp(word, "works-late") == 0;
	edges = strncmp(word, "edge=", 5) == 0;
	one_an_edge = strcmp(word, "edge=one") == 0;
	closes = strncmp(word, "closes", 6) == 0;
	closes_early = strcmp(word, "closes-early") == 0;
	if (strncmp(word, "helper-", 7) == 0)
		helper("/proc/self/exe", strcmp(word, "helper-spins") == 0 ? "burn" : "wait");
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
	int on = 1;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, argc > 3 ? atoi(argv[3]) : 4096) < 0) {
		perror("listen");
		return 1;
	}
	poller = epoll_create1(EPOLL_CLOEXEC);
	unsigned listening = EPOLLIN | (edges ? EPOLLET : 0);
	ask(EPOLL_CTL_ADD, listener, listening);
	struct epoll_event ready[64];
	long touched = now();
	for (int alone = 0, worked = 0;;) {
		int late = (spins_late || (works_late && !worked)) && now() - touched >= rest_for;
		if (late && works_late) {
			burn(work_for);
			worked = 1;
			continue;
		}
		int timeout = alone ? pause_for : (spins_late || works_late) && !worked ? (late ? 0 : rest_for) : -1;
		int n = epoll_wait(poller, ready, sizeof ready / sizeof *ready, timeout);
		if (n > 0)
			touched = now();
		if (n > 0)
			worked = 0;
		if (alone && n == 0) {
			ask(EPOLL_CTL_ADD, listener, listening);
			alone = 0;
		}
		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd;
			if (fd == listener) {
				if (enter()) {
					ask(EPOLL_CTL_DEL, listener, 0);
					alone = 1;
				}
			} else if (connections[fd]) {
				serve(fd);
			}
		}
	}
}
