/*
 * httpepoll: HTTP/1.1 of one thread on epoll(7): GET /echo?X is answered by X, POST /echo
 * by its body, any other path by 404, and any other method by 501. A client that is told
 * of an error in its request is let go behind it.
 *
 *   httpepoll PORT [WORD]...   a word is a fault, or something odd that is legal:
 *     keeps-the-refused   of 64 places for one address a client that was answered 404 or
 *                         501 does not give its own back
 *     counts              the 64 places, each of which is given back
 *     body-unread         the body of a request that is refused is taken for the next one
 *     waits-for-the-body  who asks whether it may send such a body (Expect: 100-continue)
 *                         hears nothing
 *     expects-nothing     whoever asks that is answered 417
 *     hasty               it does not wait for such a body, and says that it closes
 *     curt                nor here, and it closes without a word
 *     slams               whoever is let go behind a reply is let go by close(2) at once
 *     hangs-up-on=N       each N-th client is closed without a word
 *     rests               it does not read what comes behind its last reply, for two seconds
 *     no-limit            a head is kept until its end has come, however long it is
 *     head=N              it is refused by 431 beyond N bytes, which are 65536 otherwise
 *     requests=N          the N-th reply on a connection says that it is the last one
 *     keeps-the-served    and of each connection that ended so 6,300 bytes are kept
 *     bans=N              more than 20 errors in a second, and the address is answered 429
 *                         for N ms, as it is by haproxy's stick tables
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	table = 65536,
	piece = 16384,
	most_body = 1 << 20, /* bytes of a body; beyond it 413 */
	places = 64,         /* for one address */
	most_errors = 20,    /* in a second */
	linger = 2000,       /* ms for which a client may go on sending behind its last reply */
	pause_for = 100,     /* ms without descriptors */
};

struct connection {
	char *in, *out;
	size_t got, in_room, due, sent, out_room;
	size_t searched; /* of the input, without an end of the head */
	int placed;      /* it has one of the places */
	int served;      /* requests of it that were answered */
	int told;        /* that it may send the body */
	int ending;      /* nothing of what it says is answered any more */
	int shut;        /* and it has had the last reply */
	long since;
};

static struct connection *connections[table];
static int poller, listener, keeps, counts, bans, unread, waits, nothing, hasty, curt, slams, rests, taken, there, lingering, forgets, came, requests, kept;
static size_t most_head = 65536;
static long banned, second;
static int errors;

static long now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void watch(int how, int fd, unsigned events) {
	struct epoll_event e = {.events = events, .data.fd = fd};
	epoll_ctl(poller, how, fd, &e);
}

static void leave(int fd) {
	struct connection *c = connections[fd];
	taken -= c->placed;
	lingering -= c->shut;
	free(c->in);
	free(c->out);
	free(c);
	connections[fd] = NULL;
	close(fd);
	there--;
}

static void put(struct connection *c, const char *b, size_t n) {
	if (c->out_room - c->due < n) {
		c->out_room = 2 * c->out_room + n;
		c->out = realloc(c->out, c->out_room);
	}
	memcpy(c->out + c->due, b, n);
	c->due += n;
}

static void reply(struct connection *c, int status, const char *body, size_t n, int ending) {
	char head[200];
	put(c, head, (size_t)snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\n%s\r\n", status, status == 200 ? "OK" : "No", n, ending ? "Connection: close\r\n" : ""));
	put(c, body, n);
	c->ending |= ending;
}

/* refuse answers an error of the client's. */
static void refuse(struct connection *c, int status, int ending) {
	if (bans && now() - second >= 1000) {
		second = now();
		errors = 0;
	}
	if (bans && ++errors > most_errors)
		banned = now() + bans;
	if (keeps)
		c->placed = 0; /* nobody gives it back */
	reply(c, status, "no\n", 3, ending);
}

/* field is the value of a header field, NULL where there is none. */
static const char *field(const char *head, const char *end, const char *name) {
	size_t n = strlen(name);
	for (const char *p = memchr(head, '\n', (size_t)(end - head)); p && p + 1 < end; p = memchr(p + 1, '\n', (size_t)(end - p - 1)))
		if ((size_t)(end - p - 1) > n && strncasecmp(p + 1, name, n) == 0 && p[1 + n] == ':') {
			for (p += n + 2; *p == ' ';)
				p++;
			return p;
		}
	return NULL;
}

/* answer takes one request out of the input; 0 while it is not whole. */
static int answer(struct connection *c) {
	if (c->ending || c->got == 0)
		return 0;
	size_t from = c->searched > 3 ? c->searched - 3 : 0;
	char *blank = memmem(c->in + from, c->got - from, "\r\n\r\n", 4);
	size_t head = blank ? (size_t)(blank - c->in) + 4 : c->got, length = 0;
	if (head > most_head) {
		refuse(c, 431, 1);
		return 0;
	}
	c->searched = c->got;
	if (!blank)
		return 0;
	c->searched = (size_t)(blank - c->in);
	const char *said = field(c->in, c->in + head, "content-length"), *connection = field(c->in, c->in + head, "connection");
	if (said)
		length = strtoul(said, NULL, 10);
	int ending = connection && strncasecmp(connection, "close", 5) == 0;
	int get = strncmp(c->in, "GET ", 4) == 0, post = strncmp(c->in, "POST ", 5) == 0;
	char *target = c->in + (get ? 4 : 5);
	if (length > most_body) {
		refuse(c, 413, 1);
		return 0;
	}
	int echoes = post && strncmp(target, "/echo ", 6) == 0;
	if (!echoes && length > 0 && unread)
		length = 0;
	if (!echoes && length > 0 && (hasty || curt)) {
		refuse(c, get || post ? 404 : 501, hasty);
		c->ending = 1;
		return 0;
	}
	const char *expect = field(c->in, c->in + head, "expect");
	if (expect && c->got < head + length && !(waits && !echoes)) {
		if (nothing || !echoes) {
			refuse(c, nothing ? 417 : 404, 1);
			return 0;
		}
		if (!c->told)
			put(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
		c->told = 1;
	}
	if (c->got < head + length)
		return 0;
	c->told = 0;
	if (++c->served == requests) {
		ending = 1;
		if (kept)
			memset(malloc(6300), 1, 6300); /* nobody frees it */
	}
	if (bans && now() < banned) {
		reply(c, 429, "", 0, 1);
		return 0;
	}
	if (get && strncmp(target, "/echo?", 6) == 0)
		reply(c, 200, target + 6, strcspn(target + 6, " "), ending);
	else if (echoes)
		reply(c, 200, c->in + head, length, ending);
	else
		refuse(c, get || post ? 404 : 501, ending);
	c->searched = 0;
	c->got -= head + length;
	memmove(c->in, c->in + head + length, c->got);
	return 1;
}

/* flush writes what is due; 1 while some of it is left, -1 when the connection is broken. */
static int flush(int fd, struct connection *c) {
	while (c->sent < c->due) {
		ssize_t n = send(fd, c->out + c->sent, c->due - c->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 1 : -1;
		c->sent += (size_t)n;
	}
	c->sent = c->due = 0;
	return 0;
}

/* let_go ends a connection behind its last reply in stages (RFC 9112 section 9.6). */
static void let_go(int fd, struct connection *c) {
	shutdown(fd, SHUT_WR);
	c->shut = 1;
	c->since = now();
	lingering++;
	watch(EPOLL_CTL_MOD, fd, rests ? 0 : EPOLLIN);
}

static void serve(int fd, unsigned events) {
	static char away[piece];
	struct connection *c = connections[fd];
	int ended = 0, left;
	if (events & EPOLLERR) {
		leave(fd);
		return;
	}
	if (c->shut) {
		if (recv(fd, away, sizeof away, 0) <= 0 && errno != EAGAIN)
			leave(fd);
		return;
	}
	if (c->due == 0) {
		if (c->in_room - c->got < piece) {
			c->in_room = 2 * c->in_room + piece;
			c->in = realloc(c->in, c->in_room);
		}
		ssize_t n = recv(fd, c->in + c->got, piece, 0);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			leave(fd);
			return;
		}
		ended = n == 0;
		c->got += n > 0 ? (size_t)n : 0;
	}
	do
		left = flush(fd, c);
	while (left == 0 && answer(c));
	if (left == 0)
		left = flush(fd, c); /* what a request that ends the connection was answered */
	if (left < 0 || (ended && left == 0))
		leave(fd);
	else if (left == 0 && c->ending && (curt || slams))
		leave(fd);
	else if (left == 0 && c->ending)
		let_go(fd, c);
	else
		watch(EPOLL_CTL_MOD, fd, left ? EPOLLOUT : EPOLLIN);
}

static void enter(int fd) {
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	struct connection *c = connections[fd] = calloc(1, sizeof *c);
	there++;
	watch(EPOLL_CTL_ADD, fd, EPOLLIN);
	if (counts && taken >= places) {
		reply(c, 429, "", 0, 1);
		if (flush(fd, c) < 0)
			leave(fd);
		else
			let_go(fd, c);
	} else {
		c->placed = counts;
		taken += counts;
	}
}

/* sweep gives up, now and then, those who have had their last reply for long. */
static void sweep(void) {
	static long swept;
	if (lingering == 0 || now() - swept < linger / 2)
		return;
	swept = now();
	for (int fd = 0; fd < table && lingering > 0; fd++)
		if (connections[fd] && connections[fd]->shut && now() - connections[fd]->since > linger)
			leave(fd);
}

int main(int argc, char **argv) {
	if (argc < 2) {
		fprintf(stderr, "usage: httpepoll PORT [WORD]...\n");
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		keeps |= strcmp(argv[i], "keeps-the-refused") == 0;
		counts |= keeps || strcmp(argv[i], "counts") == 0;
		sscanf(argv[i], "bans=%d", &bans);
		sscanf(argv[i], "head=%zu", &most_head);
		unread |= strcmp(argv[i], "body-unread") == 0;
		waits |= strcmp(argv[i], "waits-for-the-body") == 0;
		nothing |= strcmp(argv[i], "expects-nothing") == 0;
		hasty |= strcmp(argv[i], "hasty") == 0;
		curt |= strcmp(argv[i], "curt") == 0;
		sscanf(argv[i], "requests=%d", &requests);
		kept |= strcmp(argv[i], "keeps-the-served") == 0;
		rests |= strcmp(argv[i], "rests") == 0;
		slams |= strcmp(argv[i], "slams") == 0;
		sscanf(argv[i], "hangs-up-on=%d", &forgets);
		if (strcmp(argv[i], "no-limit") == 0)
			most_head = SIZE_MAX;
	}
	int on = 1;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0) {
		perror("listen");
		return 1;
	}
	poller = epoll_create1(EPOLL_CLOEXEC);
	watch(EPOLL_CTL_ADD, listener, EPOLLIN);
	struct epoll_event ready[64];
	for (int alone = 0;;) {
		int n = epoll_wait(poller, ready, sizeof ready / sizeof *ready, alone ? pause_for : lingering ? linger / 2 : -1);
		if (alone) {
			watch(EPOLL_CTL_ADD, listener, EPOLLIN);
			alone = 0;
		}
		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd;
			if (fd != listener) {
				if (connections[fd])
					serve(fd, ready[i].events);
			} else if ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
				if (forgets && ++came % forgets == 0)
					close(fd);
				else
					enter(fd);
			} else if (errno == EMFILE || errno == ENFILE) {
				watch(EPOLL_CTL_DEL, listener, 0);
				alone = 1;
			}
		}
		sweep();
	}
}
