package observe

import (
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseStat(t *testing.T) {
	const rest = " S 17 18 19 0 -1 4194304 1 2 3 4 55 66 7 8 20 0 9 0 123456 1000 200"
	for line, want := range map[string]stat{
		"42 (server)" + rest:     {name: "server", state: 'S', flags: 4194304, ppid: 17, group: 18, session: 19, userTicks: 55, kernelTick: 66, reaped: 15, threads: 9, start: 123456},
		"42 (a) b (c) d)" + rest: {name: "a) b (c) d", state: 'S', flags: 4194304, ppid: 17, group: 18, session: 19, userTicks: 55, kernelTick: 66, reaped: 15, threads: 9, start: 123456},
	} {
		got, err := parseStat([]byte(line))
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", line, got, err)
		}
	}
	for _, line := range []string{"", "42", "42 (x", "42 (x) S 1", "42 )x( S" + rest, "42 (x) S a b c" + rest} {
		if s, err := parseStat([]byte(line)); err == nil {
			t.Errorf("%q gives %+v", line, s)
		}
	}
}

func TestParseSyscall(t *testing.T) {
	for line, want := range map[string]Syscall{
		"running":        {Running: true, Number: -1},
		"-1 0x7ffd 0x7f": {Number: -1},
		"232 0x4 0x7f 0x80 0xffffffffffffffff 0x0 0x8 0x7ffe 0x7f": {Number: 232, Args: [6]uint64{4, 0x7f, 0x80, 1<<64 - 1, 0, 8}},
		"nonsense": {Number: -1},
		"232 0x4":  {Number: -1},
	} {
		if got := parseSyscall(strings.Fields(line)); got != want {
			t.Errorf("%q: %+v", line, got)
		}
	}
}

func TestParseWatches(t *testing.T) {
	const info = "pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t1057\n" +
		"tfd:        7 events: 8000001d data: ffffffff00000007  pos:0 ino:5e sdev:e\n" +
		"tfd:       12 events:       19 data:                c  pos: 0 ino: 61af sdev: 7\n" +
		"tfd:       13 events:        4 data:                d\n"
	got, err := parseWatches([]byte(info))
	want := []Watch{
		{FD: 7, Events: unix.EPOLLET | 0x1d, Data: 0xffffffff00000007, Inode: 0x5e},
		{FD: 12, Events: 0x19, Data: 12, Inode: 0x61af},
		{FD: 13, Events: 4, Data: 13},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if got := parseFlags([]byte("pos:\t0\nflags:\t02004002\n")); got&unix.O_CLOEXEC == 0 && got&unix.O_NONBLOCK == 0 {
		t.Errorf("flags %o", got)
	}
	for _, bad := range []string{"tfd: x events: 1 data: 2\n", "tfd: 1 events:\n", "tfd: 1\n"} {
		if got, err := parseWatches([]byte(bad)); err == nil {
			t.Errorf("%q gives %+v", bad, got)
		}
	}
}

func TestParseSockets(t *testing.T) {
	const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 4321 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0200007F:C350 08 00000010:00000020 00:00000000 00000000     0        0 4322 1 0000000000000000 20 4 30 10 -1
   2: short row
   3: zz00007F:1F90 0200007F:C350 08 00000010:00000020 00:00000000 00000000     0        0 4322
`
	var got []Socket
	if err := eachSocket(strings.NewReader(tcp), "tcp", func(s Socket) bool { got = append(got, s); return true }); err != nil {
		t.Fatal(err)
	}
	want := []Socket{
		{Network: "tcp", Inode: 4321, State: "LISTEN", Local: "127.0.0.1:8080", Remote: "0.0.0.0:0", RxQueue: 3, FD: -1},
		{Network: "tcp", Inode: 4322, State: "CLOSE_WAIT", Local: "127.0.0.1:8080", Remote: "127.0.0.2:50000", TxQueue: 16, RxQueue: 32, FD: -1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}

	const tcp6 = "  0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 99 1\n"
	got = nil
	_ = eachSocket(strings.NewReader(tcp6), "tcp6", func(s Socket) bool { got = append(got, s); return true })
	if len(got) != 1 || got[0].Local != "[::1]:8080" || got[0].State != "LISTEN" {
		t.Errorf("%+v", got)
	}

	const local = "Num       RefCount Protocol Flags    Type St Inode Path\n" +
		"0000000000000000: 00000002 00000000 00010000 0001 01 77 /run/a b.sock\n" +
		"0000000000000000: 00000003 00000000 00000000 0001 03 78\n"
	got = nil
	_ = eachSocket(strings.NewReader(local), "unix", func(s Socket) bool { got = append(got, s); return true })
	if len(got) != 2 || got[0].Local != "/run/a b.sock" || got[0].State != "LISTEN" || got[1].State != "" {
		t.Errorf("%+v", got)
	}
}

func FuzzParsers(f *testing.F) {
	f.Add([]byte("42 (x) S 17 18 19 0 -1 4194304 1 2 3 4 55 66 7 8 20 0 9 0 123456 1000 200"))
	f.Add([]byte("tfd: 7 events: 19 data: 7 pos:0 ino:5e sdev:e\n"))
	f.Add([]byte("0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000 0 0 4321"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = parseStat(b)
		_, _ = parseWatches(b)
		parseFlags(b)
		parseTCP(b)
		parseUnix(b)
		if words := strings.Fields(string(b)); len(words) > 0 {
			parseSyscall(words)
		}
	})
}
