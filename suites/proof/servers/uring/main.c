// A correct echo server on io_uring with direct descriptors: a client's socket
// stands in a table of the ring and is no descriptor of the process, so that
// /proc lists none and no limit on descriptors reaches it.
//
//	uring PORT [table [plain]]
//
// table is how many clients the table holds (4096); the kernel turns the others away.
// With plain the sockets are ordinary descriptors.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { entries = 4096, bufferSize = 32 << 10, accepting = 1, receiving, sending, closing, waiting };

struct client {
	char *data;
	int from, to;
};

static int ring, listener, plain, table = 4096;
static unsigned *sqHead, *sqTail, *sqMask, *sqArray, *cqHead, *cqTail, *cqMask;
static struct io_uring_sqe *sqes;
static struct io_uring_cqe *cqes;
static unsigned toSubmit;
static struct client *clients;
static struct __kernel_timespec shortly = {.tv_nsec = 50 * 1000 * 1000};

static void fatal(const char *what) {
	perror(what);
	exit(1);
}

static void enter(unsigned wait) {
	while (syscall(SYS_io_uring_enter, ring, toSubmit, wait, wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0) < 0)
		if (errno != EINTR) fatal("io_uring_enter");
	toSubmit = 0;
}

static struct io_uring_sqe *ask(int what, unsigned slot) {
	if (toSubmit == entries / 2) enter(0);
	unsigned tail = *sqTail, at = tail & *sqMask;
	struct io_uring_sqe *e = &sqes[at];
	memset(e, 0, sizeof *e);
	e->user_data = (uint64_t)what << 32 | slot;
	e->fd = (int)slot;
	if (!plain) e->flags = IOSQE_FIXED_FILE;
	sqArray[at] = at;
	atomic_store_explicit((_Atomic unsigned *)sqTail, tail + 1, memory_order_release);
	toSubmit++;
	return e;
}

static void accepts(void) {
	struct io_uring_sqe *e = ask(accepting, 0);
	e->opcode = IORING_OP_ACCEPT;
	e->fd = listener;
	e->flags = 0;
	if (!plain) e->file_index = IORING_FILE_INDEX_ALLOC;
	else e->accept_flags = SOCK_CLOEXEC;
}

static void acceptsLater(void) {
	struct io_uring_sqe *e = ask(waiting, 0);
	e->opcode = IORING_OP_TIMEOUT;
	e->fd = -1;
	e->flags = 0;
	e->addr = (uintptr_t)&shortly;
	e->len = 1;
}

static void receives(unsigned slot) {
	struct io_uring_sqe *e = ask(receiving, slot);
	e->opcode = IORING_OP_RECV;
	e->addr = (uintptr_t)clients[slot].data;
	e->len = bufferSize;
}

static void sends(unsigned slot) {
	struct client *c = &clients[slot];
	struct io_uring_sqe *e = ask(sending, slot);
	e->opcode = IORING_OP_SEND;
	e->addr = (uintptr_t)(c->data + c->from);
	e->len = c->to - c->from;
	e->msg_flags = MSG_NOSIGNAL;
}

static void ends(unsigned slot) {
	struct io_uring_sqe *e = ask(closing, slot);
	e->opcode = IORING_OP_CLOSE;
	if (plain) return;
	e->flags = 0;
	e->fd = 0;
	e->file_index = slot + 1;
}

static void took(int result) {
	switch (result) {
	case -EMFILE:
	case -ENFILE:
	case -ENOBUFS:
	case -ENOMEM: // the table is full, or the process is out of descriptors
		return acceptsLater();
	}
	accepts();
	if (result < 0) return;
	if (!clients[result].data) clients[result].data = malloc(bufferSize);
	receives(result);
}

static void done(int what, unsigned slot, int result) {
	struct client *c = &clients[slot];
	switch (what) {
	case accepting:
		return took(result);
	case waiting:
		return accepts();
	case receiving:
		if (result == -EINTR || result == -EAGAIN) return receives(slot);
		if (result <= 0) return ends(slot);
		c->from = 0;
		c->to = result;
		return sends(slot);
	case sending:
		if (result == -EINTR || result == -EAGAIN) return sends(slot);
		if (result < 0) return ends(slot);
		if ((c->from += result) < c->to) return sends(slot);
		return receives(slot);
	}
}

static void opens(void) {
	struct io_uring_params p = {.flags = IORING_SETUP_CQSIZE, .cq_entries = 4 * entries};
	if ((ring = syscall(SYS_io_uring_setup, entries, &p)) < 0) fatal("io_uring_setup");
	size_t size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), other = p.sq_off.array + p.sq_entries * sizeof(unsigned);
	char *both = mmap(NULL, size > other ? size : other, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
	sqes = mmap(NULL, p.sq_entries * sizeof *sqes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
	if (both == MAP_FAILED || sqes == MAP_FAILED) fatal("mmap");
	sqHead = (void *)(both + p.sq_off.head);
	sqTail = (void *)(both + p.sq_off.tail);
	sqMask = (void *)(both + p.sq_off.ring_mask);
	sqArray = (void *)(both + p.sq_off.array);
	cqHead = (void *)(both + p.cq_off.head);
	cqTail = (void *)(both + p.cq_off.tail);
	cqMask = (void *)(both + p.cq_off.ring_mask);
	cqes = (void *)(both + p.cq_off.cqes);
	if (plain) return;
	int *none = malloc(table * sizeof *none);
	for (int i = 0; i < table; i++) none[i] = -1;
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, none, table)) fatal("io_uring_register");
	free(none);
}

int main(int argc, char **argv) {
	if (argc < 2) return 2;
	if (argc > 2) table = atoi(argv[2]);
	plain = argc > 3 && !strcmp(argv[3], "plain");
	signal(SIGPIPE, SIG_IGN);
	int one = 1;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); // the sockets of its clients inherit it
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	// The ring of a process that was killed lets go of its listener a little later.
	for (int tries = 0; bind(listener, (void *)&at, sizeof at); tries++, usleep(20000))
		if (errno != EADDRINUSE || tries == 200) fatal("bind");
	if (listen(listener, 1024)) fatal("listen");
	clients = calloc(plain ? 65536 : table, sizeof *clients);
	opens();
	accepts();
	for (;;) {
		enter(1);
		unsigned head = *cqHead, tail = atomic_load_explicit((_Atomic unsigned *)cqTail, memory_order_acquire);
		for (; head != tail; head++) {
			struct io_uring_cqe *e = &cqes[head & *cqMask];
			done(e->user_data >> 32, (unsigned)e->user_data, e->res);
		}
		atomic_store_explicit((_Atomic unsigned *)cqHead, head, memory_order_release);
	}
}
