/* An adapter: a server on epoll that speaks the target contract of reactorspec.
 *
 * The contract is one page, https://github.com/reactorspec/reactorspec/blob/main/spec/target.md.
 * Put your own event loop in the place of main's, and keep the conversations. A verb
 * that your loop offers (POST, TIMER, OFFLOAD and so on) goes into answer(), and its
 * feature into FEATURES.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FEATURES "where,sink,source,limit,drain"

enum {
	LIMIT = 1 << 20,     /* bytes of output that may wait for a client before we stop reading from it */
	MAX_LINE = 256,      /* bytes of a sign-on line */
	MAX_FRAME = 65536,   /* bytes of a frame's body */
	PIECE = 1 << 16,     /* bytes read, or made for SOURCE, at a time: others have their turn between */
	PERIOD = 251,        /* byte i of SOURCE is i mod 251 */
	EVENTS = 256,
	ACCEPT_PAUSE = 100,  /* milliseconds, after an accept that failed for want of descriptors */
	DRAIN = 4000,        /* milliseconds, of the 5 s that the contract allows */
	LINGER = 1000,       /* milliseconds, for what clients have sent already when all that is due is sent */
};
#define MAX_SOURCE (1ull << 40)

/* Bytes from `start` to `end` wait; an empty buffer holds no memory. */
struct buffer {
	char *bytes;
	size_t start, end, room;
};

enum conversation { SIGN_ON, ECHO, SINK, SOURCE, PROBE };

struct connection {
	int fd;
	uint64_t number;
	enum conversation conversation;
	struct buffer in;  /* a line or frame that has not come whole */
	struct buffer out; /* what the socket did not take */
	uint64_t sunk, made, left;
	bool ending;       /* nothing more is read; it is closed once what is due is sent */
	bool leaving;      /* that is sent, and FIN behind it: what still comes is thrown away */
	uint32_t interest;
	struct connection *next, *previous;
};

static int poller, listener;
static bool stopping;
static uint64_t numbers;
static struct connection all = {.next = &all, .previous = &all};

static void die(const char *what) {
	perror(what);
	exit(1);
}

static size_t waiting(const struct buffer *b) { return b->end - b->start; }

static void append(struct buffer *b, const void *bytes, size_t n) {
	if (b->end + n > b->room && b->start > 0) {
		memmove(b->bytes, b->bytes + b->start, waiting(b));
		b->end -= b->start;
		b->start = 0;
	}
	if (b->end + n > b->room) {
		b->room = 2 * b->room > b->end + n ? 2 * b->room : b->end + n;
		b->bytes = realloc(b->bytes, b->room);
		if (b->bytes == NULL)
			die("realloc");
	}
	memcpy(b->bytes + b->end, bytes, n);
	b->end += n;
}

static void drop(struct buffer *b, size_t n) {
	b->start += n;
	if (b->start == b->end) {
		free(b->bytes);
		*b = (struct buffer){0};
	}
}

static void say(struct connection *c, const char *text) { append(&c->out, text, strlen(text)); }

static long milliseconds(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The conversations. */

/* answer appends the body of a reply behind the id. */
static void answer(struct connection *c, const char *request, size_t n) {
	const char *space = memchr(request, ' ', n);
	size_t verb = space ? (size_t)(space - request) : n;
	char text[512];
#define IS(word) (verb == strlen(word) && memcmp(request, word, verb) == 0)
	if (IS("PING")) {
		say(c, "ok");
		append(&c->out, request + verb, n - verb);
	} else if (IS("HELLO")) {
		const char *nonce = getenv("REACTORSPEC_NONCE");
		snprintf(text, sizeof text, "ok class=reactor loops=1 features=" FEATURES " limit=%d wakeup=- poller=epoll nonce=%s",
			 LIMIT, nonce && *nonce ? nonce : "-");
		say(c, text);
	} else if (IS("WHERE")) {
		snprintf(text, sizeof text, "ok loop=0 tid=%d conn=%llu", (int)gettid(), (unsigned long long)c->number);
		say(c, text);
	} else {
		say(c, "unsupported");
	}
#undef IS
}

static void frames(struct connection *c) {
	while (waiting(&c->in) >= 4) {
		uint32_t length;
		memcpy(&length, c->in.bytes + c->in.start, 4);
		length = ntohl(length);
		if (length < 1 || length > MAX_FRAME) {
			c->ending = true;
			return;
		}
		if (waiting(&c->in) < 4 + length)
			return;
		const char *body = c->in.bytes + c->in.start + 4;
		size_t digits = 0;
		while (digits < length && body[digits] >= '0' && body[digits] <= '9')
			digits++;
		if (digits == 0 || (digits < length && body[digits] != ' ')) {
			c->ending = true;
			return;
		}
		size_t head = digits < length ? digits + 1 : digits;
		size_t before = waiting(&c->out); /* append may move what waits */
		append(&c->out, "\0\0\0", 4);
		append(&c->out, body, digits);
		say(c, " ");
		answer(c, body + head, length - head);
		uint32_t size = htonl(waiting(&c->out) - before - 4);
		memcpy(c->out.bytes + c->out.start + before, &size, 4);
		drop(&c->in, 4 + length);
	}
}

/* produce makes a piece of SOURCE, where there is room for it. */
static void produce(struct connection *c) {
	static char pattern[PERIOD + PIECE];
	if (pattern[1] == 0)
		for (size_t i = 0; i < sizeof pattern; i++)
			pattern[i] = i % PERIOD;
	if (c->left == 0 || waiting(&c->out) >= PIECE)
		return;
	size_t n = c->left < PIECE ? c->left : PIECE;
	append(&c->out, pattern + c->made % PERIOD, n);
	c->made += n;
	c->left -= n;
	c->ending = c->left == 0;
}

static void feed(struct connection *c, const char *bytes, size_t n);

static void sign_on(struct connection *c, const char *bytes, size_t n) {
	append(&c->in, bytes, n);
	const char *line = c->in.bytes, *end = memchr(line, '\n', waiting(&c->in));
	size_t length = end ? (size_t)(end - line) : waiting(&c->in);
	if (length > MAX_LINE) {
		c->ending = true;
		return;
	}
	if (end == NULL)
		return;
	char text[MAX_LINE + 1];
	memcpy(text, line, length);
	if (length > 0 && text[length - 1] == '\r')
		length--;
	text[length] = 0;
	if (strlen(text) != length) /* a zero byte is in no command */
		text[0] = 0;
	size_t digits = strncmp(text, "SOURCE ", 7) == 0 ? strspn(text + 7, "0123456789") : 0;
	if (strcmp(text, "ECHO") == 0) {
		c->conversation = ECHO;
	} else if (strcmp(text, "SINK") == 0) {
		c->conversation = SINK;
	} else if (strcmp(text, "PROBE") == 0) {
		c->conversation = PROBE;
	} else if (digits > 0 && digits < 14 && text[7 + digits] == 0 && strtoull(text + 7, NULL, 10) <= MAX_SOURCE) {
		c->conversation = SOURCE;
		c->left = strtoull(text + 7, NULL, 10);
		c->ending = c->left == 0;
	} else {
		c->ending = true;
		return;
	}
	snprintf(text, sizeof text, "OK %llu\n", (unsigned long long)c->number);
	say(c, text);
	struct buffer rest = c->in;
	drop(&rest, end + 1 - line);
	c->in = (struct buffer){0};
	if (waiting(&rest) > 0) {
		feed(c, rest.bytes + rest.start, waiting(&rest));
		free(rest.bytes);
	}
}

static void feed(struct connection *c, const char *bytes, size_t n) {
	switch (c->conversation) {
	case SIGN_ON:
		sign_on(c, bytes, n);
		break;
	case ECHO:
		append(&c->out, bytes, n);
		break;
	case SINK:
		c->sunk += n;
		break;
	case PROBE:
		append(&c->in, bytes, n);
		frames(c);
		break;
	case SOURCE:
		break;
	}
}

/* The connections. */

static void end_of_input(struct connection *c) {
	char text[64];
	if (c->conversation == SINK) {
		snprintf(text, sizeof text, "SUNK %llu\n", (unsigned long long)c->sunk);
		say(c, text);
	}
	c->ending = true;
}

static void destroy(struct connection *c) {
	close(c->fd); /* which takes it off the poller */
	c->next->previous = c->previous;
	c->previous->next = c->next;
	free(c->in.bytes);
	free(c->out.bytes);
	free(c);
}

/* owes reports whether something is still to be sent. */
static bool owes(const struct connection *c) { return waiting(&c->out) > 0 || c->left > 0; }

/* settle sends what it can, and decides what the connection waits for. */
static void settle(struct connection *c) {
	produce(c);
	if (waiting(&c->out) > 0) {
		ssize_t n = send(c->fd, c->out.bytes + c->out.start, waiting(&c->out), MSG_NOSIGNAL);
		if (n > 0)
			drop(&c->out, n);
		else if (errno != EAGAIN && errno != EINTR) {
			destroy(c);
			return;
		}
	}
	bool due = owes(c);
	if (c->ending && !due && !stopping) {
		destroy(c);
		return;
	}
	if (c->ending && !due) {
		/* A close over input that was not read would reset the connection, and drop
		 * the output that is still on its way. */
		shutdown(c->fd, SHUT_WR);
		c->leaving = true;
	}
	uint32_t interest = due ? EPOLLOUT : 0;
	if (c->leaving || (!c->ending && waiting(&c->out) <= LIMIT))
		interest |= EPOLLIN;
	if (interest != c->interest) {
		c->interest = interest;
		epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &(struct epoll_event){.events = interest, .data.ptr = c});
	}
}

static void ready(struct connection *c, uint32_t events) {
	static char bytes[PIECE];
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && (c->interest & EPOLLIN)) {
		ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
		if (c->leaving) {
			if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
				destroy(c);
			return;
		}
		if (n > 0)
			feed(c, bytes, n);
		else if (n == 0)
			end_of_input(c);
		else if (errno != EAGAIN && errno != EINTR) {
			destroy(c);
			return;
		}
	} else if (events & EPOLLERR) {
		destroy(c);
		return;
	}
	settle(c);
}

/* accept_all returns false when accepting has to pause. */
static bool accept_all(void) {
	for (int i = 0; i < EVENTS; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				return false;
			if (errno == EAGAIN)
				return true;
			continue; /* that client is gone */
		}
		struct connection *c = calloc(1, sizeof *c);
		if (c == NULL)
			die("calloc");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
		*c = (struct connection){.fd = fd, .number = ++numbers, .interest = EPOLLIN, .next = all.next, .previous = &all};
		all.next->previous = c;
		all.next = c;
		if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = c}) < 0)
			destroy(c);
	}
	return true;
}

/* owing reports whether there is a connection that owes its client something. */
static bool owing(void) {
	for (struct connection *c = all.next; c != &all; c = c->next)
		if (owes(c))
			return true;
	return false;
}

static void listening(bool on) {
	epoll_ctl(poller, EPOLL_CTL_MOD, listener, &(struct epoll_event){.events = on ? EPOLLIN : 0, .data.ptr = &listener});
}

int main(void) {
	sigset_t terminate;
	sigemptyset(&terminate);
	sigaddset(&terminate, SIGTERM);
	sigprocmask(SIG_BLOCK, &terminate, NULL);
	int signals = signalfd(-1, &terminate, SFD_NONBLOCK | SFD_CLOEXEC);
	poller = epoll_create1(EPOLL_CLOEXEC);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (signals < 0 || poller < 0 || listener < 0)
		die("init");
	const char *port = getenv("PORT");
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port ? atoi(port) : 7000), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0)
		die("listen");
	epoll_ctl(poller, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.ptr = &listener});
	epoll_ctl(poller, EPOLL_CTL_ADD, signals, &(struct epoll_event){.events = EPOLLIN, .data.ptr = &signals});

	bool paused = false;
	long deadline = 0; /* of the pause, or of the whole server once it stops */
	long owed = 0;     /* when a server that stops was last seen to owe something */
	while (!stopping || all.next != &all) {
		bool due = stopping && owing();
		long until = stopping && !due && owed + LINGER < deadline ? owed + LINGER : deadline;
		long left = paused || stopping ? until - milliseconds() : -1;
		if (stopping && left <= 0)
			break; /* who still does not read, or close, is left behind */
		if (paused && left <= 0) {
			listening(true);
			paused = false;
			left = -1;
		}
		struct epoll_event events[EVENTS];
		int n = epoll_wait(poller, events, EVENTS, left);
		if (due)
			owed = milliseconds();
		bool stop = false;
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &signals) {
				stop = !stopping;
			} else if (events[i].data.ptr != &listener) {
				ready(events[i].data.ptr, events[i].events);
			} else if (!accept_all()) {
				listening(false);
				paused = true;
				deadline = milliseconds() + ACCEPT_PAUSE;
			}
		}
		if (stop) {
			close(listener);
			close(signals);
			stopping = true;
			paused = false;
			owed = milliseconds();
			deadline = owed + DRAIN;
			for (struct connection *c = all.next, *next; c != &all; c = next) {
				next = c->next;
				c->ending = true;
				settle(c);
			}
		}
	}
	return 0;
}
