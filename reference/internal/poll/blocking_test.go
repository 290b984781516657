package poll

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A write of which the kernel takes a part goes on behind that part. It takes no more than
// 0x7ffff000 bytes at a time (write(2)), also where nobody reads them.
func TestWriteBlockingInParts(t *testing.T) {
	const most = 0x7ffff000
	fd, err := unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	bytes, err := unix.Mmap(-1, 0, most+10, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	must(t, err)
	var n int
	written := make(chan struct{})
	go func() {
		n, err = WriteBlocking(fd, bytes)
		close(written)
	}()
	select {
	case <-written:
		must(t, err)
		if n != len(bytes) {
			t.Errorf("%d of %d bytes are written", n, len(bytes))
		}
		must(t, unix.Munmap(bytes))
	case <-time.After(10 * time.Second):
		t.Fatal("the write does not end")
	}
}
