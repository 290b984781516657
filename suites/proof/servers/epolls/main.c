/*
 * epolls: an echo server of one epoll loop, with one habit at a time. It is
 * correct whatever its habit, within the bounds that the spec gives.
 *
 *   epolls PORT HABIT [AMOUNT]
 *
 *   none
 *   polls MS       polls without a timeout for so long after the last byte
 *   works US       works so long on each 4 KiB that it reads
 *   settles MS     a second thread is busy for so long after the first megabyte, as a compiler is
 *   sweeps S       a connection that has failed is closed when the next sweep comes by
 *   writers        writers hang on a second poller, which is asked only while output waits
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 64 << 10, SLICE = 4 << 10 };

struct conn {
	int fd, off, len, ended, failed;
	char *out;
	struct conn *next, **at;
};

static volatile sig_atomic_t stopping;
static const char *habit;
static long amount;
static int loop, beside = -1, listener, pending; /* pending: connections with output that waits */
static struct conn *all, *gone;
static long last_byte, taken;
static char piece[PIECE];

static void on_term(int sig) { (void)sig; stopping = 1; }
static int has(const char *name) { return strcmp(habit, name) == 0; }

static long now_us(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void busy(long us) {
	for (long end = now_us() + us; now_us() < end;)
		;
}

static void *settle(void *arg) {
	(void)arg;
	busy(amount * 1000);
	return NULL;
}

static void drop(struct conn *c) {
	if (c->fd < 0)
		return;
	if (c->len > 0)
		pending--;
	close(c->fd);
	c->fd = -1;
	free(c->out);
	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
	c->next = gone; /* events of this turn may still name it */
	gone = c;
}

/* fail ends a connection that was reset: at once, or when the sweep comes. */
static void fail(struct conn *c) {
	if (!has("sweeps")) {
		drop(c);
		return;
	}
	epoll_ctl(loop, EPOLL_CTL_DEL, c->fd, NULL);
	c->failed = 1;
}

/* watch asks for output or for input, never for both. */
static void watch(struct conn *c, int output) {
	struct epoll_event e = {.events = output ? EPOLLOUT : EPOLLIN, .data.ptr = c};
	if (!has("writers")) {
		epoll_ctl(loop, EPOLL_CTL_MOD, c->fd, &e);
		return;
	}
	e.events = output ? 0 : EPOLLIN; /* what hangs on the writers' poller stays there */
	epoll_ctl(loop, EPOLL_CTL_MOD, c->fd, &e);
	e.events = EPOLLOUT;
	if (output)
		epoll_ctl(beside, EPOLL_CTL_ADD, c->fd, &e);
}

static void flush(struct conn *c) {
	while (c->len > 0) {
		ssize_t n = write(c->fd, c->out + c->off, (size_t)c->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			fail(c);
			return;
		}
		c->off += (int)n;
		c->len -= (int)n;
	}
	pending--;
	free(c->out);
	c->out = NULL;
	if (c->ended || stopping)
		drop(c);
	else
		watch(c, 0);
}

static void turn(struct conn *c) {
	ssize_t n = read(c->fd, piece, has("works") ? SLICE : sizeof piece);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		fail(c);
		return;
	}
	if (n == 0) {
		drop(c);
		return;
	}
	last_byte = now_us();
	if (has("works"))
		busy(amount);
	if (taken <= 1 << 20 && (taken += n) > 1 << 20 && has("settles")) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, settle, NULL) == 0)
			pthread_detach(thread);
	}
	ssize_t done = 0;
	while (done < n) {
		ssize_t w = write(c->fd, piece + done, (size_t)(n - done));
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno == EAGAIN)
			break;
		if (w < 0) {
			fail(c);
			return;
		}
		done += w;
	}
	if (done == n)
		return;
	c->off = 0;
	c->len = (int)(n - done);
	c->out = malloc((size_t)c->len);
	memcpy(c->out, piece + done, (size_t)c->len);
	pending++;
	watch(c, 1);
}

static long resting; /* until when accept is left alone, for want of descriptors */

static void accept_some(void) {
	for (int k = 0; k < 64; k++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE) {
				resting = now_us() + 100000;
				epoll_ctl(loop, EPOLL_CTL_DEL, listener, NULL);
			}
			return;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		struct conn *c = calloc(1, sizeof *c);
		c->fd = fd;
		c->next = all;
		c->at = &all;
		if (all)
			all->at = &c->next;
		all = c;
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
		epoll_ctl(loop, EPOLL_CTL_ADD, fd, &e);
	}
}

static void listen_on(int again) {
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
	epoll_ctl(loop, EPOLL_CTL_ADD, listener, &e);
	if (again)
		resting = 0;
}

static int timeout(void) {
	if (has("polls") && now_us() - last_byte < amount * 1000)
		return 0;
	if (stopping)
		return 20;
	if (resting)
		return 100;
	if (has("sweeps"))
		return 1000;
	return beside >= 0 && pending > 0 ? 10 : -1;
}

int main(int argc, char **argv) {
	if (argc < 3) {
		fprintf(stderr, "usage: epolls PORT HABIT [AMOUNT]\n");
		return 2;
	}
	habit = argv[2];
	amount = argc > 3 ? atol(argv[3]) : 0;
	struct sigaction term = {.sa_handler = on_term};
	sigaction(SIGTERM, &term, NULL);
	signal(SIGPIPE, SIG_IGN);
	int on = 1;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&a, sizeof a) < 0 || listen(listener, 4096) < 0) {
		perror("listen");
		return 1;
	}
	loop = epoll_create1(EPOLL_CLOEXEC);
	if (has("writers"))
		beside = epoll_create1(EPOLL_CLOEXEC);
	listen_on(0);
	long deadline = 0, swept = now_us();
	for (;;) {
		struct epoll_event events[256];
		int n = epoll_wait(loop, events, 256, timeout());
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			if (c == NULL) {
				if (!stopping)
					accept_some();
			} else if (c->fd >= 0 && !c->failed) {
				if (c->len == 0)
					turn(c);
				else if (beside < 0)
					flush(c);
				else if (events[i].events & (EPOLLERR | EPOLLHUP))
					fail(c);
			}
		}
		n = beside >= 0 && pending > 0 ? epoll_wait(beside, events, 256, 0) : 0;
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			if (c->fd >= 0 && c->len > 0)
				flush(c);
		}
		for (struct conn *c; (c = gone) != NULL;) {
			gone = c->next;
			free(c);
		}
		if (resting && now_us() > resting && !stopping)
			listen_on(1);
		if (has("sweeps") && now_us() - swept > amount * 1000000) {
			swept = now_us();
			for (struct conn *c = all, *next; c; c = next) {
				next = c->next;
				if (c->failed)
					drop(c);
			}
		}
		if (!stopping)
			continue;
		if (deadline == 0) {
			deadline = now_us() + 3000000;
			close(listener);
		}
		for (struct conn *c = all, *next; c; c = next) {
			next = c->next;
			if (c->failed || c->len == 0 || now_us() > deadline)
				drop(c);
		}
		if (all == NULL)
			return 0;
	}
}
