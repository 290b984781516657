/*
 * epoll: an echo server of one thread on epoll(7) with one fault, each of which
 * was reported of a server that people use.
 *
 *   epoll PORT [WORD…]
 *
 * Words that are legal, and stand in a fault's control too:
 *
 *   idle=N     closes a connection on which nothing came or went for N seconds
 *   holds=N    reads on until N bytes of a connection's output wait (256 KiB)
 *   most=N     has room for N connections, and refuses those beyond
 *   waits      leaves those beyond in the listen queue instead
 *   edge       asks the poller for edges
 *   lets-go=N  closes a connection whose client took nothing for N seconds, while output
 *              waited for it
 *   backs-off  without descriptors the listener rests 10 ms, and twice as long after each
 *              failure, 5 s at most
 *   slow-stop  gives the stop three seconds before it ends, whatever is left to do
 *   retries    tries for a second to have its address
 *   prints     tells each client on standard error, once it has made sure of that
 *   drops-lines  does not wait for room to print, and drops the line instead
 *   pools      keeps a buffer of 64 KiB of each connection, for the next ones
 *   garbage=N  gives 8 KiB of each read back once they are N MiB
 *   helper     has a helper that ends after 20 ms of work, and starts it again a
 *              second later
 *
 * The faults:
 *
 *   defers-accept        a silent client is not accepted (TCP_DEFER_ACCEPT)
 *   accept-ends          a client that is gone when it is accepted ends accepting
 *   forgets-the-gone     the descriptor of a client that is gone when it is
 *                        accepted is not closed
 *   short-read-is-last   a read that does not fill the buffer is taken for the last
 *   stays-full           at most=N the listener goes off, and never on again
 *   waits-for-all-to-go  without descriptors accepting waits until nobody is left
 *   gives-up-at-ten      with the tenth failure in a row accepting ends
 *   cuts-who-reads       to the idle timeout, output that a client takes is no activity
 *   drains-in=N          output that waits has to be gone in N seconds, whatever was written
 *                        meanwhile, or its connection is closed
 *   keeps-who-does-not   the idle timeout spares connections with output that waits
 *   keeps-requests       2 KiB are kept of each read, for ever
 *   keeps-while-there    2 KiB are kept of each read, for as long as its connection is there
 *   keeps-the-closed     64 KiB are kept of each connection that ended in order, for ever
 *   keeps-the-reset      64 KiB are kept of each connection that was reset, for ever
 *   keeps-what-waited    output that still waited when its connection ended is kept
 *   wrong-from=N         from the Nth connection on the first byte of each reply is wrong
 *   shares-the-port      a second instance may listen at the port (SO_REUSEPORT)
 *   loses-slots          a connection that was reset still counts
 *   stop-resets          a stop closes connections whose input nobody has read
 *   stop-waits           a stop waits for its clients without a limit
 *   restarts-at-once     the helper is started again without a pause
 *   looks-first          the idle timeout is looked at before what has arrived
 *   taken-is-success     an address that is taken ends it with status 0
 *   waits-for-address    an address that is taken is tried for ever
 *   prints-blindly       tells each client on descriptor 2, whatever that is
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	table = 65536,
	piece = 65536,
	reads = 4,        /* of one connection in a turn */
	tick = 50,        /* ms between looks at what no event announces */
	off_for = 100,    /* ms that the listener rests without descriptors */
	first_off = 10,   /* ms that it rests first, where it backs off, and at the most */
	most_off = 5000,
	last_failure = 10,
	stop_for = 4000,  /* ms that a stop gives its clients */
	slow_for = 3000,  /* ms that a slow stop takes */
	request = 2048,
	whole = 65536,    /* of a connection, in bytes, that are kept of it */
	work = 20,        /* ms of the helper's */
};

struct connection {
	int fd, ended, leaving;
	unsigned watched;        /* what the poller was asked for */
	size_t from, to, room;   /* of the output that waits */
	char *out;
	long touched;            /* ms, when something last came or went */
	long waits_since, took;  /* ms, when output came to wait, and when some of it went last */
	long number;             /* from 1 on, in the order of accepting */
	void *pooled;
	struct kept *kept;       /* of its requests */
};

struct kept {
	struct kept *next;
};

static int pools, keeps_while_there, keeps_the_closed, keeps_the_reset, keeps_what_waited;
static int edge, waits, helper, restarts_at_once, defers_accept, accept_ends, forgets_the_gone, short_read_is_last, stays_full, waits_for_all_to_go, backs_off, gives_up_at_ten,
	cuts_who_reads, keeps_who_does_not, keeps_requests, shares_the_port, loses_slots, stop_resets, stop_waits, slow_stop, retries, prints, drops_lines, looks_first,
	taken_is_success, waits_for_address, prints_blindly;

static const struct {
	const char *name;
	int *set;
} words[] = {
	{"edge", &edge},
	{"waits", &waits},
	{"helper", &helper},
	{"restarts-at-once", &restarts_at_once},
	{"defers-accept", &defers_accept},
	{"accept-ends", &accept_ends},
	{"forgets-the-gone", &forgets_the_gone},
	{"short-read-is-last", &short_read_is_last},
	{"stays-full", &stays_full},
	{"waits-for-all-to-go", &waits_for_all_to_go},
	{"backs-off", &backs_off},
	{"gives-up-at-ten", &gives_up_at_ten},
	{"cuts-who-reads", &cuts_who_reads},
	{"keeps-who-does-not", &keeps_who_does_not},
	{"keeps-requests", &keeps_requests},
	{"pools", &pools},
	{"keeps-while-there", &keeps_while_there},
	{"keeps-the-closed", &keeps_the_closed},
	{"keeps-the-reset", &keeps_the_reset},
	{"keeps-what-waited", &keeps_what_waited},
	{"shares-the-port", &shares_the_port},
	{"loses-slots", &loses_slots},
	{"stop-resets", &stop_resets},
	{"stop-waits", &stop_waits},
	{"slow-stop", &slow_stop},
	{"retries", &retries},
	{"prints", &prints},
	{"drops-lines", &drops_lines},
	{"looks-first", &looks_first},
	{"taken-is-success", &taken_is_success},
	{"waits-for-address", &waits_for_address},
	{"prints-blindly", &prints_blindly},
};

static struct connection *connections[table];
static int poller, listener, highest, count, listening, stopping;
static long idle, lets_go, drains_in, holds = 256 << 10, most = table, listen_at, off, failures, stop_at, garbage, wrong_from, accepted;
static struct kept *heap, *pool; /* what waits to be given back, and to be used again */
static long heaped;
static char buffer[piece];

static long now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* hold takes memory that is used, and hangs it on a list. */
static void *hold(struct kept **list, size_t n) {
	struct kept *k = malloc(n);
	memset(k, 1, n);
	k->next = *list;
	return *list = k;
}

static void release(struct kept **list) {
	while (*list) {
		struct kept *k = *list;
		*list = k->next;
		free(k);
	}
}

/* listen_on puts the listener on the poller, or takes it off. */
static void listen_on(int on) {
	struct epoll_event e = {.events = EPOLLIN, .data.fd = listener};
	if (listening != on)
		epoll_ctl(poller, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener, &e);
	listening = on;
}

static void leave(struct connection *c, int reset) {
	close(c->fd);
	connections[c->fd] = NULL;
	if (!keeps_what_waited || c->from == c->to)
		free(c->out);
	if (reset ? keeps_the_reset : keeps_the_closed)
		memset(malloc(whole), 1, whole);
	if (c->pooled) {
		((struct kept *)c->pooled)->next = pool;
		pool = c->pooled;
	}
	release(&c->kept);
	free(c);
	if (!reset || !loses_slots)
		count--;
	if (waits && !stays_full && !stopping && count < most)
		listen_on(1);
}

/* watch asks the poller for what the connection waits for. With edges asking
 * again makes the poller look again, so that what a turn left is not forgotten. */
static void watch(struct connection *c, int again) {
	size_t left = c->to - c->from;
	unsigned events = 0;
	if (edge)
		events = EPOLLIN | EPOLLOUT | EPOLLET;
	else if (!c->ended && !c->leaving && left <= (size_t)holds)
		events = EPOLLIN;
	if (left > 0)
		events |= EPOLLOUT;
	if (events == c->watched && !again)
		return;
	struct epoll_event e = {.events = events, .data.fd = c->fd};
	epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
	c->watched = events;
}

/* put writes what waits; -1 when the connection is broken. */
static int put(struct connection *c) {
	while (c->from < c->to) {
		ssize_t n = send(c->fd, c->out + c->from, c->to - c->from, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		c->from += (size_t)n;
		c->took = now();
		if (!cuts_who_reads)
			c->touched = now();
	}
	free(c->out);
	c->out = NULL;
	c->from = c->to = c->room = 0;
	return 0;
}

static void keep(struct connection *c, const char *data, size_t n) {
	if (c->from > 0) {
		memmove(c->out, c->out + c->from, c->to - c->from);
		c->to -= c->from;
		c->from = 0;
	}
	if (c->to + n > c->room) {
		c->room = 2 * (c->to + n);
		c->out = realloc(c->out, c->room);
	}
	if (c->from == c->to)
		c->waits_since = c->took = now();
	memcpy(c->out + c->to, data, n);
	c->to += n;
}

/* get reads what a turn has room for and writes it back; -1 when the connection
 * is broken, 1 when there may be more to read. */
static int get(struct connection *c) {
	for (int i = 0; i < reads; i++) {
		if (c->ended || c->to - c->from > (size_t)holds)
			return 0;
		ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		c->ended = n == 0;
		if (n == 0)
			return 0;
		c->touched = now();
		if (keeps_requests)
			memset(malloc(request), 1, request);
		if (keeps_while_there)
			hold(&c->kept, request);
		if (garbage) {
			hold(&heap, 4 * request);
			if ((heaped += 4 * request) > garbage << 20) {
				release(&heap);
				heaped = 0;
			}
		}
		if (wrong_from && c->number >= wrong_from)
			buffer[0]++;
		keep(c, buffer, (size_t)n);
		if (put(c) < 0)
			return -1;
		if (short_read_is_last && n < piece)
			return 0;
	}
	return 1;
}

/* finish ends a connection that has nothing to write, for good if that costs
 * nobody anything: a close resets where input is unread, and a reset takes from
 * the client what it has not received yet. */
static void finish(struct connection *c) {
	int unread = 0, unacknowledged = 0;
	if (stopping && !stop_resets) {
		while (c->leaving && recv(c->fd, buffer, sizeof buffer, 0) > 0)
			;
		ioctl(c->fd, FIONREAD, &unread);
		ioctl(c->fd, SIOCOUTQ, &unacknowledged);
	}
	if (unread == 0 && unacknowledged == 0) {
		leave(c, 0);
		return;
	}
	if (!c->leaving)
		shutdown(c->fd, SHUT_WR);
	c->leaving = 1;
	watch(c, 0);
}

static void serve(struct connection *c, unsigned events) {
	if (events & (EPOLLERR | EPOLLHUP) || put(c) < 0) {
		leave(c, 1);
		return;
	}
	int more = stopping ? 0 : get(c);
	if (more < 0)
		leave(c, 1);
	else if ((c->ended || stopping) && c->from == c->to)
		finish(c);
	else
		watch(c, more);
}

static void enter(void) {
	for (;;) {
		if (count >= most && waits) {
			listen_on(0);
			return;
		}
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
		if (fd < 0) {
			if (errno == EAGAIN)
				return;
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
				listen_on(0);
				failures++;
				if (backs_off)
					off = off == 0 ? first_off : 2 * off < most_off ? 2 * off : most_off;
				listen_at = gives_up_at_ten && failures == last_failure ? 0 : now() + (backs_off ? off : off_for);
				return;
			}
			continue;
		}
		failures = off = 0;
		struct sockaddr_in peer;
		socklen_t length = sizeof peer;
		int gone = getpeername(fd, (struct sockaddr *)&peer, &length) < 0;
		if (gone && accept_ends) {
			close(fd);
			listen_on(0);
			return;
		}
		if (gone && forgets_the_gone)
			continue;
		if (gone || fd >= table || count >= most) {
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		if (prints || prints_blindly)
			dprintf(2, "client %d\n", fd);
		struct connection *c = calloc(1, sizeof *c);
		c->fd = fd;
		c->number = ++accepted;
		if (pools && pool) {
			c->pooled = pool;
			pool = pool->next;
		} else if (pools) {
			struct kept *none = NULL;
			c->pooled = hold(&none, whole);
		}
		c->touched = now();
		c->watched = EPOLLIN | (edge ? EPOLLOUT | EPOLLET : 0);
		connections[fd] = c;
		count++;
		if (fd > highest)
			highest = fd;
		struct epoll_event e = {.events = c->watched, .data.fd = fd};
		epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
	}
}

/* stop ends what has nothing under way; the rest has until stop_at. */
static void stop(void) {
	stopping = 1;
	stop_at = now() + stop_for;
	close(listener);
	for (int fd = 0; fd <= highest; fd++) {
		struct connection *c = connections[fd];
		if (c == NULL)
			continue;
		int more = 1;
		while (more > 0 && !stop_resets)
			more = get(c);
		if (more < 0)
			leave(c, 1);
		else if (c->from == c->to)
			finish(c);
		else
			watch(c, 1);
	}
}

/* look does what no event announces. */
static void look(void) {
	long t = now();
	if (!listening && !stopping && listen_at && t >= listen_at && (!waits_for_all_to_go || count == 0)) {
		listen_at = 0;
		listen_on(1);
	}
	if (!stopping && idle == 0 && lets_go == 0 && drains_in == 0)
		return;
	for (int fd = 0; fd <= highest; fd++) {
		struct connection *c = connections[fd];
		if (c == NULL)
			continue;
		if (stopping && c->from == c->to)
			finish(c);
		else if (idle && t - c->touched >= idle && !(keeps_who_does_not && c->from < c->to))
			leave(c, 1);
		else if (c->from < c->to && ((lets_go && t - c->took >= lets_go) || (drains_in && t - c->waits_since >= drains_in)))
			leave(c, 1);
	}
}

/* supervise starts the helper again and again, in a process of its own that ends
 * with the server. */
static void supervise(void) {
	if (fork() != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		if (fork() == 0) {
			struct timespec used = {0};
			while (used.tv_sec == 0 && used.tv_nsec < work * 1000000)
				clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
			_exit(1);
		}
		wait(NULL);
		if (!restarts_at_once)
			sleep(1);
	}
}

/* high keeps the lowest numbers for clients where something is printed. */
static int high(int fd) {
	if (!prints && !prints_blindly)
		return fd;
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	close(fd);
	return moved;
}

static int word(const char *w) {
	long n;
	if (sscanf(w, "idle=%ld", &n) == 1) {
		idle = 1000 * n;
		return 1;
	}
	if (sscanf(w, "lets-go=%ld", &n) == 1) {
		lets_go = 1000 * n;
		return 1;
	}
	if (sscanf(w, "drains-in=%ld", &n) == 1) {
		drains_in = 1000 * n;
		return 1;
	}
	if (sscanf(w, "garbage=%ld", &garbage) == 1 || sscanf(w, "wrong-from=%ld", &wrong_from) == 1)
		return 1;
	if (sscanf(w, "holds=%ld", &holds) == 1 || sscanf(w, "most=%ld", &most) == 1)
		return 1;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(w, words[i].name) == 0)
			return *words[i].set = 1;
	return 0;
}

int main(int argc, char **argv) {
	for (int i = 2; i < argc || argc < 2; i++)
		if (argc < 2 || !word(argv[i])) {
			fprintf(stderr, "usage: epoll PORT [WORD...], with the words at the head of main.c\n");
			return 2;
		}
	if (helper || restarts_at_once)
		supervise();
	while (prints) {
		int fd = open("/dev/null", O_RDWR);
		if (fd < 0 || fd > 2) {
			close(fd);
			break;
		}
	}
	if (drops_lines)
		fcntl(2, F_SETFL, fcntl(2, F_GETFL) | O_NONBLOCK);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
	int on = 1, seconds = 30;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (shares_the_port)
		setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	if (defers_accept)
		setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
	for (int tries = 0; bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0; tries++) {
		if (waits_for_address || (retries && tries < 10)) {
			usleep(100000);
			continue;
		}
		perror("listen");
		return taken_is_success ? 0 : 1;
	}
	sigset_t term;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	int signals = high(signalfd(-1, &term, SFD_NONBLOCK | SFD_CLOEXEC));
	poller = high(epoll_create1(EPOLL_CLOEXEC));
	struct epoll_event e = {.events = EPOLLIN, .data.fd = signals}, ready[256];
	epoll_ctl(poller, EPOLL_CTL_ADD, signals, &e);
	listen_on(1);
	while (!stopping || (slow_stop && now() < stop_at - stop_for + slow_for) || (count > 0 && (stop_waits || now() < stop_at))) {
		int timed = stopping || listen_at || ((idle || lets_go || drains_in) && count > 0);
		int n = epoll_wait(poller, ready, sizeof ready / sizeof *ready, timed ? tick : -1);
		if (n < 0 && !looks_first)
			continue; /* SIGCONT: what waits comes first */
		if (looks_first)
			look();
		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd;
			if (fd == listener) {
				if (!stopping)
					enter();
			} else if (fd == signals) {
				struct signalfd_siginfo info;
				if (read(signals, &info, sizeof info) > 0 && !stopping) {
					stop();
					break; /* of what else is ready some may have ended */
				}
			} else if (connections[fd]) {
				serve(connections[fd], ready[i].events);
			}
		}
		look();
	}
	return 0;
}
