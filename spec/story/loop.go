package story

func loop() *drawing {
	d := newDrawing(446, "The steps of a loop's turn, and the four positions at which hooks run")
	d.box("", 80, 8, 130, 30, "initialise")
	d.path("", 145, 38, 145, 58)
	steps := []struct{ hook, step string }{
		{"before-poll", "poll: the only step that blocks"},
		{"after-poll", "handle I/O"},
		{"after-io", "run tasks, handle timers"},
		{"after-timers", ""},
	}
	y := 60
	for _, s := range steps {
		d.box("goodbox", 85, y, 120, 26, s.hook)
		d.text("start", "quiet", 214, y+17, "hooks")
		y += 26
		if s.step == "" {
			break
		}
		d.path("", 145, y, 145, y+16)
		d.box("loop", 40, y+18, 210, 36, s.step)
		d.path("", 145, y+54, 145, y+72)
		y += 74
	}
	d.path("", 85, y-13, 18, y-13, 18, 73, 83, 73)
	d.text("start", "quiet", 22, y+4, "again")
	d.path("", 145, y, 145, y+28)
	d.text("start", "quiet", 152, y+18, "told to end")
	d.box("", 80, y+30, 130, 30, "clean up")
	return d
}

func twoFaults() *drawing {
	d := newDrawing(262, "With a timeout of zero an idle loop polls without a pause; with a long one a task waits until the timeout ends")
	d.text("start", "bold", 10, 22, "timeout 0: an idle loop spins")
	d.bare("", 10, 66, 340, 66)
	for x := 14; x < 336; x += 12 {
		d.box("badbox", x, 44, 8, 22)
	}
	d.text("start", "bad", 10, 88, "nothing to do, and a whole core is burnt")
	d.text("start", "bold", 10, 132, "timeout 10 s: other things wait")
	d.bare("", 10, 184, 340, 184)
	d.box("", 14, 158, 250, 26, "asleep in poll")
	d.box("goodbox", 268, 158, 66, 26, "the task")
	d.path("bad", 90, 216, 90, 188)
	d.text("middle", "", 90, 232, "a task is posted here")
	d.text("start", "bad", 10, 254, "it runs when the timeout ends, seconds later")
	return d
}

// lanes draws the heads and the lines of three actors on a time line that runs down.
func (d *drawing) lanes(height int, names ...string) (xs []int) {
	for i, name := range names {
		x := 58 + i*117
		d.box("", x-50, 8, 100, 30, name)
		d.bare("dashed", x, 38, x, height)
		xs = append(xs, x)
	}
	d.path("", 4, 46, 4, height)
	return xs
}

func sleepRace() *drawing {
	d := newDrawing(400, "The wakeup race on a time line: a task is posted after the loop saw an empty set and before it sleeps; the write to the wakeup descriptor makes the poll return at once")
	x := d.lanes(372, "a thread", "wakeup fd", "the loop")
	d.box("loop", x[2]-54, 54, 108, 40, "is the set", "empty? yes")
	d.box("", x[0]-50, 108, 100, 40, "puts a task", "into the set")
	d.path("", x[0], 148, x[0], 170, x[1]-4, 170)
	d.text("start", "quiet", x[0]+4, 164, "write")
	d.box("goodbox", x[1]-46, 180, 92, 30, "is readable")
	d.box("loop", x[2]-54, 176, 108, 40, "poll", "would sleep")
	d.path("good", x[1]+46, 206, x[2]-56, 234)
	d.box("loop", x[2]-54, 226, 108, 30, "returns at once")
	d.path("", x[2]-54, 275, x[1]+4, 275)
	d.text("end", "quiet", x[2]-62, 269, "read")
	d.box("", x[1]-46, 284, 92, 30, "is drained")
	d.box("goodbox", x[2]-54, 326, 108, 36, "runs the task")
	d.text("middle", "bad", 175, 392, "without the descriptor the loop sleeps on the task")
	return d
}

func drainOrder() *drawing {
	d := newDrawing(430, "Two orders after a wakeup: clearing the flag before draining loses a write that comes between them; draining first loses none")
	d.text("start", "bold", 10, 20, "wrong: clear the flag, then drain")
	column := func(y int, class string, steps [2]string, between string, told [4]string) {
		d.box("loop", 10, y, 116, 30, steps[0])
		d.path("dashed", 340, y+50, 130, y+50)
		d.text("end", "", 340, y+43, between)
		d.bare("", 68, y+30, 68, y+68)
		d.box("loop", 10, y+70, 116, 30, steps[1])
		d.path("", 68, y+100, 68, y+114)
		d.box("loop", 10, y+116, 116, 30, "take the tasks")
		for i, line := range told {
			d.text("start", class, 134, y+80+i/2*46+i%2*lineHeight, line)
		}
	}
	column(34, "bad", [2]string{"clear the flag", "drain the fd"}, "a post sets the flag, and writes",
		[4]string{"eats that write;", "the flag stays set", "from now on nobody writes,", "and later posts are lost"})
	d.bare("dashed", 10, 200, 340, 200)
	d.text("start", "bold", 10, 228, "right: drain, then clear, then take")
	column(242, "good", [2]string{"drain the fd", "clear the flag"}, "a post sees the flag: no write",
		[4]string{"whoever posts from here", "on writes again", "takes the task", "of that post too"})
	d.text("start", "quiet", 10, 416, "the flag spares writes: one wakeup for many posts")
	return d
}

func otherThings() *drawing {
	d := newDrawing(350, "A loop takes the tasks out of its own set under a lock and runs them outside it; several loops take bounded batches from a shared set")
	d.text("start", "bold", 10, 20, "a loop's own set")
	for i, name := range []string{"thread", "thread", "the loop"} {
		y := 32 + i*42
		d.box("", 8, y, 76, 30, name)
		d.path("", 84, y+15, 128, 90)
	}
	d.box("", 130, 66, 86, 48, "set", "under a lock")
	d.path("good", 216, 90, 250, 90)
	d.box("loop", 252, 60, 92, 60, "the loop", "runs them,", "no lock held")
	d.bare("dashed", 10, 174, 340, 174)
	d.text("start", "bold", 10, 200, "a set that loops share")
	d.box("", 8, 236, 76, 48, "any", "thread")
	d.path("", 84, 260, 120, 260)
	d.box("", 122, 232, 86, 56, "shared set", "under a lock")
	for i, name := range []string{"loop 0", "loop 1", "loop 2"} {
		y := 206 + i*40
		d.path("good", 208, 260, 254, y+15)
		d.box("loop", 256, y, 88, 30, name)
	}
	d.text("middle", "quiet", 175, 342, "bounded batches; each task runs once, in one loop")
	return d
}

func timers() *drawing {
	d := newDrawing(200, "The nearest of the timers' deadlines bounds how long the loop may sleep in its poll")
	d.path("", 10, 120, 340, 120)
	d.text("start", "quiet", 10, 140, "now")
	for _, deadline := range []struct {
		x    int
		name string
	}{{110, "20 ms"}, {210, "100 ms"}, {310, "1 h"}} {
		d.dot(deadline.x, 120, 7)
		d.text("middle", "", deadline.x, 146, deadline.name)
	}
	d.box("loop", 14, 68, 94, 34, "poll ≤ 20 ms")
	d.path("good", 110, 58, 110, 110)
	d.text("middle", "good", 110, 50, "the nearest fires")
	d.text("start", "bold", 10, 22, "deadlines, by the monotonic clock")
	d.text("middle", "quiet", 175, 172, "a timer may be late by what its loop is busy;")
	d.text("middle", "quiet", 175, 190, "it is never early")
	return d
}

func workers() *drawing {
	d := newDrawing(262, "Slow work goes through a bounded queue to worker threads, and its result comes home to the loop that owns the connection")
	d.box("loop", 8, 90, 96, 64, "loop 0", "owns the", "connection")
	d.path("", 104, 106, 136, 60)
	d.box("", 138, 26, 92, 50, "queue", "bounded")
	d.box("badbox", 138, 96, 92, 40, "full: said", "at once")
	d.path("bad", 184, 76, 184, 94)
	for i, name := range []string{"worker: blocks", "worker: blocks"} {
		y := 16 + i*44
		d.path("", 230, 51, 244, y+17)
		d.box("", 246, y, 100, 34, name)
	}
	d.path("good", 298, 94, 298, 190, 56, 190, 56, 156)
	d.text("middle", "good", 188, 184, "the result comes home as a task")
	d.text("middle", "quiet", 175, 224, "meanwhile the loop serves everybody else;")
	d.text("middle", "quiet", 175, 244, "a result whose client has left reaches no other")
	return d
}
