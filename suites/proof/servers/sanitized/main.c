// The echo server of ../epoll, built with AddressSanitizer: freed memory stays for a
// while, a thread of its own comes by, and terabytes of addresses are mapped.
#include "../epoll/main.c"
