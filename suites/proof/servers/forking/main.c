/*
 * forking: an echo server with a process for each connection.
 *
 *   forking PORT one-a-signal   SIGCHLD collects one child, though two that end
 *                               together raise it once
 *   forking PORT none           SIGCHLD collects all that have ended
 *   forking PORT one-an-accept  nobody handles SIGCHLD; each accept collects one child
 *   forking PORT at-fifty       nobody handles it; once there are fifty, all that have ended
 *                               are collected
 *   forking PORT ten-spin     nobody handles it. Who leaves without a word is taken for one
 *                               who has not said enough yet, and asked again for ever, by
 *                               ten processes; that goes for the first five connections
 *   forking PORT ten-work     there they work for a fifth of a second each, and end
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { crowd = 10, crowds = 5, work_ms = 200 };

static int number, one_a_signal, ten_spin, ten_work;

static void collect(int sig) {
	(void)sig;
	int kept = errno;
	while (waitpid(-1, NULL, WNOHANG) > 0 && !one_a_signal)
		;
	errno = kept;
}

static void alone(pid_t parent) {
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody spins on after the server */
	if (getppid() != parent)
		_exit(0);
}

/* left is what becomes of a client that has gone without a word. */
static void left(int fd) {
	pid_t first = getpid();
	for (int i = 1; i < crowd; i++)
		if (fork() == 0) {
			alone(first);
			break;
		}
	char byte;
	struct timespec used;
	do {
		if (recv(fd, &byte, 1, MSG_DONTWAIT) > 0)
			return;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	} while (ten_spin || (used.tv_sec == 0 && used.tv_nsec < work_ms * 1000000L));
	if (getpid() == first)
		while (wait(NULL) > 0)
			;
}

static void serve(int fd) {
	char data[65536];
	int spoke = 0;
	for (;;) {
		ssize_t n = recv(fd, data, sizeof data, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 && !spoke && number <= crowds && (ten_spin || ten_work))
			left(fd);
		if (n <= 0)
			return;
		spoke = 1;
		for (ssize_t done = 0; done < n;) {
			ssize_t sent = send(fd, data + done, (size_t)(n - done), MSG_NOSIGNAL);
			if (sent < 0 && errno != EINTR)
				return;
			if (sent > 0)
				done += sent;
		}
	}
}

int main(int argc, char **argv) {
	if (argc != 3) {
		fprintf(stderr, "usage: forking PORT one-a-signal|none|one-an-accept|at-fifty|ten-spin|ten-work\n");
		return 2;
	}
	one_a_signal = strcmp(argv[2], "one-a-signal") == 0;
	ten_spin = strcmp(argv[2], "ten-spin") == 0;
	ten_work = strcmp(argv[2], "ten-work") == 0;
	int one_an_accept = strcmp(argv[2], "one-an-accept") == 0, at_fifty = strcmp(argv[2], "at-fifty") == 0, forked = 0;
	struct sigaction ended = {.sa_handler = collect, .sa_flags = SA_RESTART};
	if (ten_spin || ten_work)
		signal(SIGCHLD, SIG_IGN);
	else if (!one_an_accept && !at_fifty)
		sigaction(SIGCHLD, &ended, NULL);
	pid_t self = getpid();
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0) {
		perror("listen");
		return 1;
	}
	for (;;) {
		if (one_an_accept)
			waitpid(-1, NULL, WNOHANG);
		if (at_fifty && forked >= 50)
			while (waitpid(-1, NULL, WNOHANG) > 0)
				forked--;
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE)
				usleep(50000);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		number++; /* of the connection: the child's copy stays */
		pid_t child = fork();
		if (child == 0) {
			if (ten_spin || ten_work)
				alone(self);
			close(listener);
			serve(fd);
			_exit(0);
		}
		close(fd);
		forked += child > 0;
		if (child < 0)
			usleep(50000);
	}
}
