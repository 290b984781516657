package session

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/observe"
)

// What a target has little of is its own affair (spec/verdicts.md, rule 2): a
// check asks how much there is, and stays below.

const (
	// reserve is what is left to a process of the target for purposes of its own,
	// in descriptors, or a quarter of its limit where that is less; harnessReserve
	// is ours, for the checks that run beside.
	reserve        = 100
	harnessReserve = 500
	// roomBlind is how many clients a target is given whose descriptor limit
	// nobody sees: the usual one is 1,024, and its own descriptors count too.
	roomBlind = 900
	// roomSample is how many connections are opened to see what each costs, and
	// roomFew how many clients are asked for without: no server has less room.
	roomSample = 10
	roomFew    = 16
)

// Room is how many clients, want at most, the target can be asked to serve at the
// same time: an iterative one a single client; one that declares max_clients a
// little less than that, since those who just left may still count; and none more
// than its processes, and the harness, have descriptors for. What a client costs
// is measured: a proxy needs two. Any process of the tree may get them all. It is
// to be asked while the check holds no connection.
func (s *Session) Room(want int) int {
	if s.Info.Class == "iterative" {
		return 1
	}
	if s.Declared() {
		want = min(want, max(1, s.declaredRoom()))
	}
	if want <= roomFew {
		return max(want, 1)
	}
	return max(1, s.Descriptors(want))
}

// places is how many clients at a time the target says that it has room for, in its file
// or in the description of its dialect; 0 where it says nothing.
func (s *Session) places() int {
	if s.Info.MaxClients > 0 {
		return s.Info.MaxClients
	}
	if described, ok := s.Dialect.(interface{ MaxClients() int }); ok {
		return described.MaxClients()
	}
	return 0
}

// declaredRoom is a little less than the places that the target says it has: those who
// just left may still count.
func (s *Session) declaredRoom() int { most := s.places(); return most - 1 - most/10 }

// Declared reports whether the target says how many clients it has room for.
func (s *Session) Declared() bool { return s.places() > 0 }

// Descriptors is how many clients, want at most, both sides have descriptors for.
func (s *Session) Descriptors(want int) int {
	return min(want, s.ownRoom(), s.targetRoom(want))
}

// ownRoom is how many descriptors the harness may still open.
func (s *Session) ownRoom() int {
	left, err := descriptorsLeft()
	if err != nil {
		s.Inconclusive("the harness's own descriptors cannot be counted: " + err.Error())
	}
	return left - harnessReserve
}

// rooms is what each process of the target may still open; nil where that cannot
// be seen.
func (s *Session) rooms() map[observe.Process]observe.Room {
	if s.Target.Tree() == nil {
		return nil
	}
	rooms, err := s.Target.Tree().Rooms()
	if err != nil {
		s.Note("the target's descriptor limits cannot be seen: %v", err)
		return nil
	}
	each := map[observe.Process]observe.Room{}
	for _, r := range rooms {
		each[r.Process] = r
	}
	return each
}

// targetRoom is how many clients the target has descriptors for.
func (s *Session) targetRoom(most int) int {
	before := s.rooms()
	if before == nil {
		return roomBlind
	}
	sample := make([]*Conn, 0, roomSample)
	for range roomSample {
		c := s.Open()
		c.Exchange(s.Payload(32)) // a proxy asks for its second descriptor now
		sample = append(sample, c)
	}
	after := s.rooms()
	for _, c := range sample {
		c.Close()
	}
	for p, r := range after {
		own, known := before[p]
		if !known { // a process that came for a client
			continue
		}
		cost := max((r.Open-own.Open+roomSample-1)/roomSample, 1)
		most = min(most, (r.Soft-own.Open-min(reserve, r.Soft/4))/cost)
	}
	return most
}

// AtOnce is how many clients, want at most, may begin at the same moment without
// the kernel turning one away because the target's queue is full. What it does
// with those is its own affair, and takes seconds (rule 3).
func (s *Session) AtOnce(want int) int {
	if queue := s.queueRoom(); queue > 0 {
		want = min(want, queue)
	}
	return want
}

// queue is what is known of the target's queue of connections to accept.
type queue struct {
	once    sync.Once
	room    int   // how many it holds; 0: not known
	unheard []int // those of our connections that may stand in it, by number; guarded by the session's mutex
}

// queueRoom is how many connections the queue of the target's listener holds, 0 where
// that cannot be seen.
func (s *Session) queueRoom() int {
	s.queue.once.Do(func() {
		room, err := observe.Backlog(s.Target.Addr())
		if err != nil {
			s.Note("the length of the target's queue cannot be seen: %v", err)
			return
		}
		s.queue.room = room
	})
	return s.queue.room
}

// turn gives the next connection its number, by which it stands in the queue from now
// on; way is false if the queue may be full of those before it.
func (s *Session) turn() (number int, way bool) {
	room := s.queueRoom()
	s.mu.Lock()
	defer s.mu.Unlock()
	way = room == 0 || len(s.queue.unheard) < room-1
	s.dialled++
	s.queue.unheard = append(s.queue.unheard, s.dialled)
	return s.dialled, way
}

// heard notes that the target has said something to a connection: it is out of the
// queue, and so is whoever was before it, be it closed or open.
func (s *Session) heard(c *Conn) { s.unqueued(func(number int) bool { return number <= c.number }) }

func (s *Session) unqueued(out func(number int) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.unheard = slices.DeleteFunc(s.queue.unheard, out)
}

// makeWay sees to it that there is room for that connection in the target's queue: it
// is full of clients that came and left, or say nothing, and the kernel would let the
// next one wait for seconds. Whoever is served now came behind them all. How soon the
// next ones come in rests on it, and no verdict.
func (s *Session) makeWay(number int) {
	if s.Info.Class == "iterative" { // whoever waits there waits for its one client
		return
	}
	_ = s.Trial(func() {
		c, err := s.TryDial()
		if err != nil {
			return
		}
		s.Ready(c).Exchange(s.Payload(16))
		c.Close()
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.unheard = []int{number} // also where it was in vain: nothing is won by trying it for each
}

// beside counts the open connections but one.
func (s *Session) beside() int { return max(s.open()-1, 0) }

// open counts the connections that the check has not left.
func (s *Session) open() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		if !c.left.Load() {
			n++
		}
	}
	return n
}

// mute counts the open connections but that one on which nothing has come.
func (s *Session) mute(but *Conn) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		if c != but && !c.left.Load() && !c.spoke.Load() {
			n++
		}
	}
	return n
}

// others counts the connections that were dialled beside one, roomBlind at most. Those
// that are closed by now, or not yet open, count too: a server may not have seen yet
// that they left, or have seen before us that they came.
func (s *Session) others() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return min(s.dialled-1, roomBlind)
}

// limitMet looks for a limit of the target's own behind a failure: a client was left
// waiting beside others, or turned away, or ended between two requests. With nothing else
// going on, as many idle clients and a few more are brought in. If all are served, their number is not the
// reason. If not, half of them leave: if who was left waiting is served then, or
// whoever comes next where the others were turned away, there was no place, and how
// many clients the target holds is returned. So it is where it serves whoever comes, and
// ends those who are idle. Who still is not was lost, and
// the failure stands: 0. So it does where the number is another one the second time:
// then it is time that let the client in.
//
// A pool may give a worker to whoever has said nothing yet, and take it back behind the
// first reply (Gunicorn's gthread). So where the class lets a thread wait for one client,
// and mute ones were there, as many of these are brought in.
func (s *Session) limitMet(beside, mute int) (most int) {
	if beside > 0 {
		most = s.sameLimit(func() int { return s.holdsAtMost(beside + spareClients) })
	}
	if most == 0 && mute > 0 && s.threadMayWait() {
		most = s.sameLimit(func() int { return s.holdsMute(mute + spareClients) })
	}
	if s.Declared() && most < s.declaredRoom() {
		return 0 // it has fewer than it says: places were lost
	}
	return most
}

// threadMayWait reports whether a thread of the target may wait for a single client.
func (s *Session) threadMayWait() bool {
	return s.Info.Class == "" || s.Info.Class == "thread-per-connection"
}

// sameLimit is the limit that is found twice; 0 if there is none, or another one the
// second time.
func (s *Session) sameLimit(found func() int) (most int) {
	first := found()
	s.Forget()
	if first == 0 {
		return 0
	}
	second := found()
	s.Forget()
	if apart := max(first, second) - min(first, second); second == 0 || apart > max(1, first/10) {
		return 0
	}
	if most = min(first, second); most < 2 {
		return 0 // who serves one client at a time is iterative, and says so
	}
	return most
}

func (s *Session) holdsAtMost(clients int) int {
	first := s.letsIn() // those of the check may not be seen to have left yet
	if first == nil {
		return 0
	}
	held, single := []*Conn{first}, s.Dialect.Requests() == 1
	if most := s.places(); most > 0 {
		clients = min(clients, most)
		if single { // and one that asks, below
			clients = min(clients, most-1)
		}
	}
	for len(held) < clients {
		var c *Conn
		refused := s.Trial(func() {
			c = s.Dial()
			if s.Ready(c); single { // it stays as long as it has not asked all, and another asks
				begun := s.Dialect.Request(s.Payload(16))
				c.Send(begun[:len(begun)/2]) // TCP_DEFER_ACCEPT hides a client that says nothing
				asks := s.Dial()
				s.Ready(asks).Exchange(s.Payload(16))
				asks.Close()
				return
			}
			c.Exchange(s.Payload(16))
		})
		shed := refused != nil && (refused.away || refused.Ended && dialect.MayQuit(s.Dialect))
		if shed { // a place may be free once those before are seen to have left
			if c = s.letsIn(); c != nil {
				refused = nil
			}
		}
		if refused == nil {
			held = append(held, c)
			continue
		}
		if refused.beside == 0 {
			return 0 // nobody is served at all
		}
		return s.placeAmong(held, c, shed || single) // of those that do not ask none waits: the other did
	}
	return s.keptOf(held)
}

// keptOf is how many of those who are held the server has kept, where it has ended the
// others: between two requests it may make room so, if its dialect lets it (nginx and
// webfsd end idle clients when few places are left). 0 if it has kept them all.
func (s *Session) keptOf(held []*Conn) (kept int) {
	if !dialect.MayQuit(s.Dialect) {
		return 0
	}
	for _, c := range held {
		_, err := c.receive(make([]byte, 1), time.Millisecond, false)
		if c.Over() || err == nil || errors.Is(err, os.ErrDeadlineExceeded) { // who says in a reply that it ends makes no room so
			kept++
		}
	}
	if kept == len(held) {
		return 0
	}
	return kept
}

// holdsMute is holdsAtMost with clients that say nothing, beside which another one asks.
func (s *Session) holdsMute(clients int) int {
	if most := s.places(); most > 0 {
		clients = min(clients, most-1)
	}
	var held []*Conn
	for len(held) < clients {
		var asks *Conn
		refused := s.Trial(func() {
			held = append(held, s.Ready(s.Dial()))
			asks = s.Dial()
			s.Ready(asks).Exchange(s.Payload(16))
			asks.Close()
		})
		switch {
		case refused == nil:
			continue
		case refused.beside == 0 || refused.away:
			return 0
		}
		return s.placeAmong(held, asks, false)
	}
	return 0
}

// placeAmong lets half of those who are held leave, and returns how many they were if
// there is a place then: for the one that waits or, where anybody will do, for
// whoever comes next.
func (s *Session) placeAmong(held []*Conn, waits *Conn, anybody bool) int {
	for _, leaves := range held[:(len(held)+1)/2] {
		leaves.Close()
	}
	if !anybody && !s.getsPlace(waits) || anybody && s.letsIn() == nil {
		return 0
	}
	return len(held)
}

// getsPlace reports whether a client that was left waiting is served now.
func (s *Session) getsPlace(c *Conn) bool {
	return s.Trial(func() {
		if c == nil { // not even the queue had room
			c = s.Dial()
			c.Send(s.Dialect.Request(s.Payload(16)))
		}
		if dialect.Wordless(s.Dialect) {
			c.accepted()
		} else if _, err := c.buffered().Peek(1); err != nil {
			c.fail(err, "a place", 0)
		}
	}) == nil
}

// letsIn brings in a client, and another one as long as they are turned away; nil if all
// are, for an await.
func (s *Session) letsIn() (c *Conn) {
	_, _ = s.Holds(s.Budget.Await, func() bool {
		next := s.Dial()
		if s.Trial(func() { s.Ready(next).Exchange(s.Payload(16)) }) == nil {
			c = next
		} else {
			next.Close()
		}
		return c != nil
	})
	return c
}

// spareClients is how many clients more than before are brought in to see whether
// their number is what kept one waiting.
const spareClients = 2

// full words the reason for a clause that a limit of the target hides.
func full(most int, reason string) string {
	clients := fmt.Sprintf("%d clients", most)
	if most == 1 {
		clients = "1 client"
	}
	return fmt.Sprintf("it holds %s at once, and the check had more (%s): say max_clients: %d", clients, reason, most)
}
