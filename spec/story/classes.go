package story

// Drawings are the pictures by the names of their files, without the ending.
func Drawings() map[string]string {
	drawings := make(map[string]string)
	for name, draw := range map[string]func() *drawing{
		"s1": primitive, "s2": threads, "s3": dispatch, "s4": reactor, "s5": subReactors,
		"s6": loop, "s7": twoFaults, "s8": sleepRace, "s8-order": drainOrder, "s9": otherThings, "s10": timers, "s11": workers,
	} {
		drawings[name] = draw().svg()
	}
	return drawings
}

func primitive() *drawing {
	d := newDrawing(190, "One thread serves client A from its first byte to its last, while B and C wait in the kernel's queue")
	d.box("", 10, 20, 80, 34, "client A")
	d.box("", 10, 78, 80, 34, "client B")
	d.box("", 10, 136, 80, 34, "client C")
	d.box("loop", 220, 12, 120, 50, "one thread", "talks to A")
	d.path("good", 90, 37, 218, 37)
	d.box("", 140, 78, 60, 92, "queue", "B", "C")
	d.path("dashed", 90, 95, 138, 110)
	d.path("dashed", 90, 153, 138, 140)
	d.path("dashed", 200, 118, 280, 118, 280, 64)
	d.text("middle", "quiet", 275, 138, "once A has left")
	return d
}

func threads() *drawing {
	d := newDrawing(228, "A listening thread only accepts; each client gets a thread of its own")
	for i, name := range []string{"A", "B", "C"} {
		y := 70 + i*48
		d.box("", 10, y, 80, 34, "client "+name)
		d.box("loop", 220, y, 120, 34, "thread of "+name)
		d.path("good", 90, y+17, 218, y+17)
	}
	d.box("", 115, 12, 225, 36, "listening thread: accept, again")
	d.path("dashed", 280, 48, 280, 68)
	d.text("middle", "quiet", 175, 220, "1,000 clients cost 1,000 threads")
	return d
}

func dispatch() *drawing {
	d := newDrawing(262, "The first line of a connection chooses its conversation; a login carries the client item from step to step")
	d.box("", 100, 8, 150, 34, "the first line")
	d.path("", 175, 42, 175, 64)
	d.box("loop", 65, 66, 220, 50, "client item", "number, command, user, steps")
	d.path("", 120, 116, 55, 150)
	d.path("", 175, 116, 175, 150)
	d.path("", 230, 116, 290, 150)
	d.box("badbox", 4, 152, 104, 50, "no command", "closed silently")
	d.box("", 116, 152, 118, 50, "ECHO, SINK …", "its conversation")
	d.box("goodbox", 248, 152, 94, 50, "MAIN", "the login")
	d.path("", 295, 202, 295, 222, 244, 222, 244, 228)
	d.text("middle", "code", 175, 242, "USER ann → KEY word → SAY hello")
	d.text("middle", "quiet", 175, 258, "each step finds the item as the last one left it")
	return d
}

func reactor() *drawing {
	d := newDrawing(216, "One loop waits for many descriptors at once and dispatches what is ready to its handler")
	for i := range 4 {
		y := 14 + i*46
		d.box("", 8, y, 74, 34, "client "+string(rune('A'+i)))
		d.path("", 82, y+17, 124, 100)
	}
	d.box("loop", 126, 70, 90, 60, "poll", "who is ready?")
	for i, name := range []string{"handler of A", "handler of B", "handler of C", "handler of D"} {
		y := 14 + i*46
		class := ""
		if i == 0 || i == 2 {
			class = "goodbox"
			d.path("good", 216, 100, 250, y+17)
		}
		d.box(class, 252, y, 92, 34, name)
	}
	d.text("middle", "quiet", 175, 210, "one thread; A and C are ready in this turn")
	return d
}

func subReactors() *drawing {
	d := newDrawing(240, "An acceptor hands each socket to one of several loops, which owns it from then on")
	d.box("", 100, 10, 150, 48, "acceptor", "accepts, no more")
	for i, name := range []string{"loop 0", "loop 1", "loop 2"} {
		x := 8 + i*116
		d.path("dashed", 175, 58, x+51, 94)
		d.box("loop", x, 96, 102, 48, name, "own thread")
		for j := range 3 {
			d.path("good", x+18+j*33, 168, x+18+j*33, 146)
			d.dot(x+18+j*33, 178, 9)
		}
	}
	d.text("middle", "quiet", 175, 210, "connections, each with one loop for all its life")
	d.text("middle", "quiet", 175, 230, "several loops are several cores")
	return d
}
