/*
 * rare: an echo server of one thread on epoll(7) with one fault that shows seldom.
 *
 *   rare PORT FAULT      (FAULT "none": there is none)
 *
 *   length      the last byte of a read of N bytes comes back wrong, if N is 3,001 modulo 4,096
 *   age         from the 5,000th connection on, the first byte of each comes back wrong
 *   third       of the reads of one turn that ends with the client's FIN, the third is lost
 *   resets      after two resets in one turn, the next client is accepted and not heard
 *   field       dies of a read whose first two bytes are 77 modulo 16,384
 *   twice       the byte behind the second partial write in a row is lost
 *   continue    what waits to be written when SIGCONT comes is dropped
 *   small-big   of a full read that comes right behind a read of one byte, the first byte is lost
 *   leftover    what a client that reset has not read is sent to the next one with its descriptor
 *   six         when one of six connections resets, another is closed
 *   leak        the descriptor of a client that resets behind its FIN, with output that waits, stays open
 *   seventeenth the 17th read of a connection comes back with two bytes swapped
 *   thread      each client that resets after three reads leaves a thread behind
 *   short       who comes while no descriptor is left has the next read of another lost
 *   interrupt   a signal that ends the poll while output waits has the first byte of that lost
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { table = 65536, piece = 16384, reads = 8, batch = 64, holds = 1 << 20 };

struct connection {
	int fd, ended, reads, partials, last;
	unsigned watched;
	size_t from, to, room; /* of the output that waits */
	char *out;
};

static struct connection *connections[table];
static int poller, listener, count, came, unheard, resets_now;
static int refused_now;
static volatile sig_atomic_t continued;
static const char *fault;
static struct { char *out; size_t from, to, room; } leftovers[table];

static int is(const char *name) { return !strcmp(fault, name); }

static void on_continue(int n) { (void)n; continued = 1; }

static void on_signal(int n) { (void)n; }

static void *stays(void *p) { pause(); return p; }

static void watch(struct connection *c) {
	unsigned want = (c->ended || c->to - c->from >= holds ? 0 : EPOLLIN) | (c->to > c->from ? EPOLLOUT : 0);
	struct epoll_event e = {.events = want, .data.fd = c->fd};
	if (want != c->watched)
		epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
	c->watched = want;
}

static void leave(struct connection *c, int reset) {
	int fd = c->fd, open = count, waits = c->to > c->from;
	connections[fd] = NULL;
	count--;
	if (reset && is("leftover") && waits) {
		leftovers[fd].out = c->out;
		leftovers[fd].from = c->from;
		leftovers[fd].to = c->to;
		leftovers[fd].room = c->room;
		c->out = NULL;
	}
	if (reset && is("thread") && c->reads == 3) {
		pthread_t t;
		pthread_create(&t, NULL, stays, NULL);
	}
	if (reset && is("leak") && c->ended && waits)
		epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL);
	else
		close(fd);
	free(c->out);
	free(c);
	if (reset && ++resets_now == 2 && is("resets"))
		unheard = 1;
	if (reset && is("six") && open == 6)
		for (int i = 0; i < table; i++)
			if (connections[i]) {
				leave(connections[i], 0);
				break;
			}
}

/* flush writes what waits; 0 when the connection is no more. */
static int flush(struct connection *c) {
	while (c->to > c->from) {
		ssize_t n = send(c->fd, c->out + c->from, c->to - c->from, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 1;
		if (n < 0)
			return leave(c, 1), 0;
		c->from += n;
		if (c->from == c->to) {
			c->partials = 0;
		} else if (++c->partials == 2 && is("twice")) {
			c->from++;
		}
	}
	c->from = c->to = 0;
	return 1;
}

static void keep(struct connection *c, const char *data, size_t n) {
	if (c->to + n > c->room) {
		memmove(c->out, c->out + c->from, c->to - c->from);
		c->to -= c->from;
		c->from = 0;
	}
	if (c->to + n > c->room) {
		c->room = 2 * (c->to + n);
		c->out = realloc(c->out, c->room);
		if (!c->out)
			abort();
	}
	memcpy(c->out + c->to, data, n);
	c->to += n;
}

static void spoil(struct connection *c, char *data, ssize_t n) {
	if (is("length") && n % 4096 == 3001)
		data[n - 1] ^= 1;
	if (is("age") && c->reads == 1 && came >= 5000)
		data[0] ^= 1;
	if (is("field") && n >= 2 && (((unsigned char)data[0] << 8 | (unsigned char)data[1]) & 16383) == 77)
		abort();
	if (is("seventeenth") && c->reads == 17 && n > 1) {
		char first = data[0];
		data[0] = data[1];
		data[1] = first;
	}
}

static void serve(struct connection *c) {
	static char buffer[reads][piece];
	ssize_t got[reads];
	int n = 0, over = 0;
	for (; n < reads && !over;) {
		if (c->to - c->from >= holds)
			break;
		ssize_t m = recv(c->fd, buffer[n], piece, 0);
		if (m < 0 && errno == EINTR)
			continue;
		if (m < 0 && errno == EAGAIN)
			break;
		if (m < 0) {
			leave(c, 1);
			return;
		}
		if (m == 0) {
			over = 1;
			break;
		}
		c->reads++;
		spoil(c, buffer[n], m);
		got[n++] = m;
	}
	for (int i = 0; i < n; i++) {
		size_t skip = is("small-big") && c->last == 1 && got[i] == piece;
		if (!(is("third") && over && i == 2) && !(is("short") && refused_now))
			keep(c, buffer[i] + skip, got[i] - skip);
		c->last = got[i];
	}
	if (n > 0)
		refused_now = 0;
	if (over)
		c->ended = 1;
	if (!flush(c))
		return;
	if (c->ended && c->from == c->to)
		leave(c, 0);
	else
		watch(c);
}

static void take(void) {
	int fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		int one = 1;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		struct connection *c = calloc(1, sizeof *c);
		if (!c || fd >= table)
			abort();
		c->fd = fd;
		if (leftovers[fd].out) {
			c->out = leftovers[fd].out;
			c->from = leftovers[fd].from;
			c->to = leftovers[fd].to;
			c->room = leftovers[fd].room;
			leftovers[fd].out = NULL;
		}
		connections[fd] = c;
		came++;
		count++;
		c->watched = unheard ? 0 : EPOLLIN;
		unheard = 0;
		struct epoll_event e = {.events = c->watched, .data.fd = fd};
		epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
	}
	if (errno == EMFILE)
		refused_now = 1;
}

int main(int argc, char **argv) {
	if (argc != 3) {
		fprintf(stderr, "usage: %s PORT FAULT\n", argv[0]);
		return 2;
	}
	fault = argv[2];
	if (is("continue"))
		signal(SIGCONT, on_continue);
	if (is("interrupt"))
		signal(SIGURG, on_signal);
	struct rlimit files = {20000, 20000};
	setrlimit(RLIMIT_NOFILE, &files);
	int one = 1;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, SOMAXCONN)) {
		perror("listen");
		return 1;
	}
	poller = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e = {.events = EPOLLIN, .data.fd = listener};
	epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		struct epoll_event events[batch];
		int n = epoll_wait(poller, events, batch, -1);
		if (continued) {
			continued = 0;
			for (int i = 0; i < table; i++)
				if (connections[i])
					connections[i]->from = connections[i]->to = 0;
		}
		if (n < 0 && is("interrupt"))
			for (int i = 0; i < table; i++)
				if (connections[i] && connections[i]->to > connections[i]->from)
					connections[i]->from++;
		resets_now = 0;
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			struct connection *c = fd == listener ? NULL : connections[fd];
			if (fd == listener) {
				take();
			} else if (c && events[i].events & (EPOLLERR | EPOLLHUP) && !(events[i].events & EPOLLIN)) {
				leave(c, 1);
			} else if (c && events[i].events & EPOLLOUT && !flush(c)) {
				continue;
			} else if (c && c->ended && c->from == c->to) {
				leave(c, 0);
			} else if (c && events[i].events & EPOLLIN && !c->ended) {
				serve(c);
			} else if (c) {
				watch(c);
			}
		}
	}
}
