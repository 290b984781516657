/*
 * forking: an echo server with a process for each connection.
 *
 *   forking PORT one-a-signal   SIGCHLD collects one child, though two that end
 *                               together raise it once
 *   forking PORT none           SIGCHLD collects all that have ended
 *   forking PORT one-an-accept  nobody handles SIGCHLD; each accept collects one child
 *   forking PORT at-fifty       nobody handles it; once there are fifty, all that have ended
 *                               are collected
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int one_a_signal;

static void collect(int sig) {
	(void)sig;
	int kept = errno;
	while (waitpid(-1, NULL, WNOHANG) > 0 && !one_a_signal)
		;
	errno = kept;
}

static void serve(int fd) {
	char data[65536];
	for (;;) {
		ssize_t n = recv(fd, data, sizeof data, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
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
		fprintf(stderr, "usage: forking PORT one-a-signal|none|one-an-accept|at-fifty\n");
		return 2;
	}
	one_a_signal = strcmp(argv[2], "one-a-signal") == 0;
	int one_an_accept = strcmp(argv[2], "one-an-accept") == 0, at_fifty = strcmp(argv[2], "at-fifty") == 0, forked = 0;
	struct sigaction ended = {.sa_handler = collect, .sa_flags = SA_RESTART};
	if (!one_an_accept && !at_fifty)
		sigaction(SIGCHLD, &ended, NULL);
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
		pid_t child = fork();
		if (child == 0) {
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
