package observe

import (
	"errors"
	"os"
	"strconv"
)

// ask reads facts of p from the files below /proc at the number of a thread of
// it, and says what an error means.
//
// A process on its way out answers falsely. From the moment it gives its memory
// up its files belong to root, so that the kernel refuses its own user what it
// granted a moment ago; a link below the number of one that was collected is
// refused to everybody (EACCES, not ENOENT); its list of descriptors is empty,
// or cut short, and its memory zero, without any error. So an answer counts only
// if the thread that was asked is not leaving afterwards; else another is asked,
// and if there is none the process has ended. Each further question costs the
// process a thread, so they end.
func ask[T any](p Process, read func(tid int) (T, error)) (T, error) {
	var none T
	tid, err := p.speaker()
	for err == nil {
		fact, failed := read(tid)
		asked := tid
		if tid, err = p.speaker(); err == nil && tid == asked {
			return fact, kind(failed)
		}
	}
	return none, err
}

// speaker is the thread whose files tell of the whole process: the first one,
// or the youngest where that has ended, pthread_exit(3). ErrGone when every
// thread is on its way out, ErrReused when the pid is another's by now.
func (p Process) speaker() (tid int, err error) {
	s, err := readStat(p.Pid)
	switch {
	case err != nil:
		return 0, err
	case s.start != p.Start:
		return 0, ErrReused
	case !s.leaving():
		return p.Pid, nil
	}
	tids, err := numbers(below(p.Pid, "task"))
	if err != nil {
		return 0, err
	}
	for i := len(tids) - 1; i >= 0; i-- {
		if s, err := readStat(tids[i]); err == nil && !s.leaving() {
			return tids[i], nil
		}
	}
	return 0, ErrGone
}

// below is a file at the number of a process or thread under /proc.
func below(tid int, name string) string { return "/proc/" + strconv.Itoa(tid) + "/" + name }

// fds lists the numbers of the process's descriptors, in order.
func (p Process) fds() ([]int, error) {
	return ask(p, func(tid int) ([]int, error) { return numbers(below(tid, "fd")) })
}

// eachFD calls f with every descriptor of the process and what its link under
// /proc says. One that is closed meanwhile is left out.
func eachFD(tid int, f func(fd int, link string) error) error {
	list, err := numbers(below(tid, "fd"))
	if err != nil {
		return err
	}
	for _, fd := range list {
		link, err := os.Readlink(below(tid, "fd/"+strconv.Itoa(fd)))
		if err == nil {
			err = f(fd, link)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
