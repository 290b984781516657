/*
 * tlsepoll: an echo server of one thread on epoll(7) that speaks TLS by OpenSSL, with one
 * fault in how it shakes hands. Its certificate is made at its start.
 *
 *   tlsepoll PORT [WORD…]
 *
 * Words that are legal, and stand in a fault's control too:
 *
 *   idle=N     closes a connection on which nothing came or went for N seconds
 *   most=N     has room for N connections, and leaves those beyond in the queue
 *   workers    two processes do the same from one queue, each with room of its own
 *   works=N    N ms of work for each handshake, beside OpenSSL's own
 *   lingers    reads on for a second when a handshake has failed, and closes then
 *   peeks      looks for a whole ClientHello before OpenSSL gets it, as who asks for the
 *              name in it does, and waits for the rest
 *
 * The faults:
 *
 *   blocks            shakes hands on a blocking socket, as soon as it has accepted
 *   blocks-later      does so once something has come
 *   one-at-a-time     accepts the next when the handshake of the last is over
 *   asks-to-write     asks the poller for writability for as long as a handshake lasts
 *   end-unseen        takes the end of input behind the ServerHello for input that is yet
 *                     to come, and asks a level-triggered poller for it again, of one
 *                     connection at a time
 *   keeps-failed      leaves a connection whose handshake has failed to its client
 *   leaks-descriptor  shuts a connection down, and forgets it, when its handshake fails
 *                     behind the ServerHello
 *   leaks-session     does not free the session of such a handshake
 *   counts-failed     counts handshakes that have failed as if they went on, and begins
 *                     none beyond 1,000
 *   whole-hello       closes a connection whose first bytes are no whole ClientHello
 *   one-record        closes a connection whose first record is not the whole ClientHello
 *   no-timeout        has no idle timeout before the end of a handshake
 *   timeout-until-hello has none from the first byte of a handshake to its end
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	table = 65536,
	piece = 16384,
	holds = 256 << 10,  /* bytes of output that wait before a connection is not read */
	reads = 16,         /* of one connection in a turn */
	tick = 50,          /* ms between looks at what no event announces */
	linger_for = 1000,  /* ms */
	off_for = 100,      /* ms that the listener rests without descriptors */
	most_ready = 256,   /* events of one turn */
	handshakes = 1000,  /* that counts-failed allows at a time */
};

enum state { shaking, open_, lingering, left_to_the_client };

struct connection {
	int fd, ended, again, heard, gone;
	enum state state;
	unsigned watched;
	SSL *tls;
	size_t from, to, room; /* of the output that waits */
	char *out;
	long touched; /* ms, when something last came or went */
};

static int workers, lingers, peeks, blocks, blocks_later, one_at_a_time, asks_to_write, end_unseen, keeps_failed, leaks_descriptor, leaks_session,
	counts_failed, whole_hello, one_record, no_timeout, timeout_until_hello;

static const struct {
	const char *name;
	int *set;
} words[] = {
	{"workers", &workers},
	{"lingers", &lingers},
	{"peeks", &peeks},
	{"blocks", &blocks},
	{"blocks-later", &blocks_later},
	{"one-at-a-time", &one_at_a_time},
	{"asks-to-write", &asks_to_write},
	{"end-unseen", &end_unseen},
	{"keeps-failed", &keeps_failed},
	{"leaks-descriptor", &leaks_descriptor},
	{"leaks-session", &leaks_session},
	{"counts-failed", &counts_failed},
	{"whole-hello", &whole_hello},
	{"one-record", &one_record},
	{"no-timeout", &no_timeout},
	{"timeout-until-hello", &timeout_until_hello},
};

static struct connection *connections[table], *unseen;
static int poller, listener, highest, listening, again, under_way, count;
static long idle, works, listen_at, most = table;
static SSL_CTX *context;
static char buffer[piece];

static long now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void listen_on(int on) {
	struct epoll_event e = {.events = EPOLLIN, .data.fd = listener};
	if (listening != on)
		epoll_ctl(poller, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener, &e);
	listening = on;
}

static void watch(struct connection *c, unsigned events) {
	if (events == c->watched)
		return;
	struct epoll_event e = {.events = events, .data.fd = c->fd};
	epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
	c->watched = events;
}

/* over is called when a handshake has come to an end of any kind. */
static void over(int well) {
	if (well || !counts_failed)
		under_way--;
	if (one_at_a_time)
		listen_on(1);
}

static void leave(struct connection *c) {
	int answered = BIO_number_written(SSL_get_wbio(c->tls)) > 0, failed = c->state == shaking && answered;
	if (c->state == shaking)
		over(0);
	connections[c->fd] = NULL;
	if (unseen == c)
		unseen = NULL;
	if (failed && leaks_descriptor) {
		epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
		shutdown(c->fd, SHUT_RDWR);
	} else {
		close(c->fd);
	}
	if (!failed || !leaks_session)
		SSL_free(c->tls);
	free(c->out);
	free(c);
	if (count-- == most)
		listen_on(1);
}

/* fail is for a handshake that does not come about. */
static void fail(struct connection *c) {
	if (lingers || keeps_failed) {
		over(0);
		c->state = lingers ? lingering : left_to_the_client;
		c->touched = now();
		watch(c, lingers ? EPOLLIN : EPOLLRDHUP);
		return;
	}
	leave(c);
}

static void blocking(int fd, int on) {
	int flags = fcntl(fd, F_GETFL);
	fcntl(fd, F_SETFL, on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

static void work(void) {
	struct timespec from, to;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	while ((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 < works);
}

/* whole reports whether the first record of the handshake is there: 1 it is, 0 it may come
 * yet, -1 it never does. */
static int whole(int fd) {
	ssize_t n = recv(fd, buffer, sizeof buffer, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	if (n == 0)
		return -1;
	if (n >= 5 && (buffer[0] != 22 || (unsigned char)buffer[3] >= 64))
		return 1; /* no handshake: OpenSSL says so better */
	return n >= 5 && n >= 5 + (unsigned char)buffer[3] * 256 + (unsigned char)buffer[4];
}

/* shake goes on with the handshake; 1 when it is over and well. */
static int shake(struct connection *c) {
	if (c->heard && BIO_number_written(SSL_get_wbio(c->tls)) == 0 && (peeks || whole_hello)) {
		int is = whole(c->fd);
		if (is < 0 || (is == 0 && (whole_hello || c->gone))) {
			fail(c);
			return 0;
		}
		if (is == 0) {
			/* An event tells that there is something, which there is until all of it
			 * has come: the loop looks again at its next tick. */
			watch(c, EPOLLRDHUP);
			return 0;
		}
		watch(c, EPOLLIN);
	}
	if (one_record && c->heard && BIO_number_written(SSL_get_wbio(c->tls)) == 0) {
		unsigned char *b = (unsigned char *)buffer;
		ssize_t n = recv(c->fd, buffer, 9, MSG_PEEK | MSG_DONTWAIT);
		if (n == 9 && b[0] == 22 && b[3] * 256 + b[4] < 4 + b[7] * 256 + b[8]) {
			fail(c);
			return 0;
		}
	}
	int before = BIO_number_written(SSL_get_wbio(c->tls)) > 0;
	if (blocks || blocks_later)
		blocking(c->fd, 1);
	ERR_clear_error();
	int r = SSL_accept(c->tls);
	int why = SSL_get_error(c->tls, r);
	if (blocks || blocks_later)
		blocking(c->fd, 0);
	if (works && !before && BIO_number_written(SSL_get_wbio(c->tls)) > 0)
		work();
	if (r == 1) {
		c->state = open_;
		over(1);
		return 1;
	}
	unsigned events = EPOLLIN | (asks_to_write ? EPOLLOUT : 0);
	if (why == SSL_ERROR_WANT_READ)
		watch(c, events);
	else if (why == SSL_ERROR_WANT_WRITE)
		watch(c, EPOLLOUT);
	else if (end_unseen && (unseen == NULL || unseen == c) && BIO_number_written(SSL_get_wbio(c->tls)) > 100 && recv(c->fd, buffer, 1, MSG_PEEK) == 0)
		unseen = c; /* more than an alert was said */
	else
		fail(c);
	return 0;
}

/* put writes what waits: 0 when the socket takes no more or all is gone, -1 when the
 * connection is broken. */
static int put(struct connection *c) {
	while (c->from < c->to) {
		ERR_clear_error();
		int n = SSL_write(c->tls, c->out + c->from, (int)(c->to - c->from));
		if (n <= 0) {
			int why = SSL_get_error(c->tls, n);
			return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? 0 : -1;
		}
		c->from += (size_t)n;
		c->touched = now();
	}
	free(c->out);
	c->out = NULL;
	c->from = c->to = c->room = 0;
	return 0;
}

static void keep(struct connection *c, size_t n) {
	if (c->from > 0) {
		memmove(c->out, c->out + c->from, c->to - c->from);
		c->to -= c->from;
		c->from = 0;
	}
	if (c->to + n > c->room) {
		c->room = 2 * (c->to + n);
		c->out = realloc(c->out, c->room);
	}
	memcpy(c->out + c->to, buffer, n);
	c->to += n;
}

/* get reads what a turn has room for and writes it back; -1 when the connection is
 * broken, 1 when there may be more to read, in the session or in the socket. */
static int get(struct connection *c) {
	for (int i = 0; i < reads; i++) {
		if (c->ended || c->to - c->from > holds)
			return 0;
		ERR_clear_error();
		int n = SSL_read(c->tls, buffer, sizeof buffer);
		if (n <= 0) {
			int why = SSL_get_error(c->tls, n);
			if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
				return 0;
			c->ended = why == SSL_ERROR_ZERO_RETURN || (why == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
			return c->ended ? 0 : -1;
		}
		c->touched = now();
		keep(c, (size_t)n);
		if (put(c) < 0)
			return -1;
	}
	return 1;
}

static void serve(struct connection *c) {
	int broken = put(c) < 0, more = broken ? 0 : get(c);
	size_t left = c->to - c->from;
	if (broken || more < 0) {
		leave(c);
		return;
	}
	if (c->ended && left == 0) {
		SSL_shutdown(c->tls);
		leave(c);
		return;
	}
	c->again = more;
	again += more;
	watch(c, (c->ended || left > holds ? 0 : EPOLLIN) | (left > 0 ? EPOLLOUT : 0));
}

static void happened(struct connection *c) {
	switch (c->state) {
	case shaking:
		c->heard = 1;
		if (!shake(c))
			return;
		c->touched = now();
		serve(c);
		return;
	case open_:
		serve(c);
		return;
	case lingering:
		for (;;) {
			ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
			if (n > 0)
				continue;
			if (n < 0 && errno == EAGAIN)
				return;
			leave(c);
			return;
		}
	case left_to_the_client:
		leave(c);
	}
}

static void enter(void) {
	for (;;) {
		if (count >= most || (one_at_a_time && under_way > 0)) {
			listen_on(0);
			return;
		}
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
		if (fd < 0) {
			if (errno == EAGAIN)
				return;
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
				listen_on(0);
				listen_at = now() + off_for;
				return;
			}
			continue;
		}
		if (fd >= table || (counts_failed && under_way >= handshakes)) {
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		struct connection *c = calloc(1, sizeof *c);
		c->fd = fd;
		c->touched = now();
		c->tls = SSL_new(context);
		SSL_set_fd(c->tls, fd);
		connections[fd] = c;
		under_way++;
		count++;
		if (fd > highest)
			highest = fd;
		c->watched = EPOLLIN | (asks_to_write ? EPOLLOUT : 0);
		struct epoll_event e = {.events = c->watched, .data.fd = fd};
		epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
		if (blocks)
			happened(c);
	}
}

/* look does what no event announces. What was silent until asked is timed by that: the
 * poller told of no input on it since. expires is 0 where it may not have told of all. */
static void look(long asked, int expires) {
	long t = now();
	if (!listening && listen_at && t >= listen_at) {
		listen_at = 0;
		listen_on(1);
	}
	if (idle == 0 && !lingers && !peeks && again == 0)
		return;
	again = 0;
	for (int fd = 0; fd <= highest; fd++) {
		struct connection *c = connections[fd];
		if (c == NULL)
			continue;
		int timed = idle && expires && !(c->state == shaking && (no_timeout || (timeout_until_hello && c->heard)));
		if (timed && asked - c->touched >= idle)
			leave(c);
		else if (c->state == lingering && t - c->touched >= linger_for)
			leave(c);
		else if (c->again || (c->state == shaking && peeks && c->heard))
			happened(c);
	}
}

/* certify gives the context a key and a certificate of its own for localhost. */
static void certify(void) {
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	X509_sign(certificate, key, EVP_sha256());
	if (SSL_CTX_use_certificate(context, certificate) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1) {
		ERR_print_errors_fp(stderr);
		exit(1);
	}
}

static int word(const char *w) {
	long n;
	if (sscanf(w, "idle=%ld", &n) == 1) {
		idle = 1000 * n;
		return 1;
	}
	if (sscanf(w, "works=%ld", &works) == 1 || sscanf(w, "most=%ld", &most) == 1)
		return 1;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(w, words[i].name) == 0)
			return *words[i].set = 1;
	return 0;
}

static void handle(struct epoll_event *ready, int n) {
	for (int i = 0; i < n; i++) {
		int fd = ready[i].data.fd;
		if (fd == listener)
			enter();
		else if (connections[fd]) {
			if (connections[fd]->state == shaking)
				connections[fd]->touched = now();
			connections[fd]->gone |= ready[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? 1 : 0;
			happened(connections[fd]);
		}
	}
}

int main(int argc, char **argv) {
	for (int i = 2; i < argc || argc < 2; i++)
		if (argc < 2 || !word(argv[i])) {
			fprintf(stderr, "usage: tlsepoll PORT [WORD...], with the words at the head of main.c\n");
			return 2;
		}
	signal(SIGPIPE, SIG_IGN);
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max < table ? files.rlim_max : table;
	setrlimit(RLIMIT_NOFILE, &files);
	context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	certify();
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
	int on = 1;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0) {
		perror("listen");
		return 1;
	}
	if (workers && fork() == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	poller = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ready[most_ready];
	listen_on(1);
	for (;;) {
		int timed = listen_at || idle || lingers || peeks;
		int n = epoll_wait(poller, ready, most_ready, again ? 0 : timed ? tick : -1);
		handle(ready, n);
		long asked = now();
		if (idle) {
			/* The process may have been stopped meanwhile, which ends a wait with nothing:
			 * what came in that time counts before the clock does. */
			n = epoll_wait(poller, ready, most_ready, 0);
			handle(ready, n);
		}
		look(asked, n >= 0 && n < most_ready);
	}
}
