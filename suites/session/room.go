package session

import (
	"slices"
	"sync"

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
