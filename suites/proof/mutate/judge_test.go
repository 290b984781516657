package main

import "testing"

// What is named is the part of a test that failed, by itself: its parents fail with it.
func TestInnermost(t *testing.T) {
	for _, c := range []struct{ out, want string }{
		{"ok\n", ""},
		{"--- FAIL: TestA (0.1s)\n    a_test.go:1: no\n", "TestA"},
		{"=== RUN TestA\n    --- FAIL: TestLoop/epoll_eventfd/loop/TIME-4 (0.1s)\n--- FAIL: TestLoop (1s)\n", "TestLoop/epoll_eventfd/loop/TIME-4"},
		{"--- FAIL: TestLoop (1s)\n    --- FAIL: TestLoop/poll (1s)\n        --- FAIL: TestLoop/poll/TIME-4 (0.1s)\n    --- FAIL: TestLoop/select (1s)\n", "TestLoop/poll/TIME-4"},
		{"--- FAIL: TestA (0.1s)\n--- FAIL: TestB (0.1s)\n    --- FAIL: TestB/c (0.1s)\n", "TestA"},
	} {
		if got := innermost(failed, []byte(c.out)); got != c.want {
			t.Errorf("%q names %q, want %q", c.out, got, c.want)
		}
	}
	if got, want := itself("TestLoop/epoll.eventfd/TIME-4"), `^TestLoop$/^epoll\.eventfd$/^TIME-4$`; got != want {
		t.Errorf("the pattern is %s, want %s", got, want)
	}
}
