package dialect

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/suites/internal/ascii"
)

// memcache is the memcached text protocol: a payload is set and got back in
// one request. The key holds this process, the connection and a digest of the
// payload, so a reply to any other request is told by its key alone.
type memcache struct {
	conn uint64 // 0: the connections share their keys
}

// maxValue keeps below memcached's default item limit of 1 MiB (-I), which
// counts the item's header and key too.
const maxValue = 1_000_000

var (
	memcacheConns atomic.Uint64
	// memcacheRun tells the keys of this run from those that an earlier one
	// left in a server that was running already.
	memcacheRun = fmt.Sprintf("%x-%x", os.Getpid(), time.Now().UnixNano())
)

func (memcache) Name() string     { return "memcache" }
func (memcache) Opening() []Step  { return nil }
func (memcache) MinPayload() int  { return 0 }
func (memcache) MaxPayload() int  { return maxValue }
func (memcache) Pipelines() bool  { return true }
func (memcache) Requests() int    { return 0 }
func (memcache) perConn() Dialect { return memcache{conn: memcacheConns.Add(1)} }

func (d memcache) key(payload []byte) string {
	sum := sha256.Sum256(payload)
	return fmt.Sprintf("rs-%s-%d-%x", memcacheRun, d.conn, sum[:12])
}

func (d memcache) Request(payload []byte) []byte {
	checkSize(d, payload)
	key := d.key(payload)
	b := fmt.Appendf(make([]byte, 0, len(payload)+256), "set %s 0 0 %d\r\n", key, len(payload))
	b = append(b, payload...)
	return fmt.Appendf(b, "\r\nget %s\r\n", key)
}

func (d memcache) ReadReply(r *bufio.Reader, payload []byte) (Reply, error) {
	line, err := readLine(r, d.Name(), `"STORED"`)
	if err != nil {
		return Reply{}, err
	}
	if string(line) != "STORED" {
		return Reply{}, garbage(d.Name(), `"STORED"`, line)
	}
	header := fmt.Sprintf("VALUE %s 0 %d", d.key(payload), len(payload))
	want := ascii.Quote([]byte(header))
	if line, err = readLine(r, d.Name(), want); err != nil {
		return Reply{}, inside(err)
	}
	if string(line) != header {
		return Reply{}, &ReplyError{Dialect: d.Name(), Want: want, Got: ascii.Quote(line[:min(len(line), 200)]), Garbage: !isValueLine(line)}
	}
	got, err := readPayload(r, d.Name(), payload)
	if err != nil {
		return Reply{Payload: got}, inside(err)
	}
	return Reply{Payload: got}, expect(r, d.Name(), "\r\nEND\r\n")
}

// isValueLine tells a header of some other value from garbage.
func isValueLine(line []byte) bool {
	words := bytes.Split(line, []byte(" "))
	if len(words) < 4 || string(words[0]) != "VALUE" {
		return false
	}
	return !slices.ContainsFunc(words[2:], func(w []byte) bool {
		_, err := strconv.ParseUint(string(w), 10, 64)
		return err != nil
	})
}
