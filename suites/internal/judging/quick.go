package judging

// quick are the clauses that a quick run judges, for each push. They were chosen by
// the faults that they find a second: first those whose check takes at most 0.1 s on
// the shared instance (0.2 s for one of a core set), which cost nothing; then, one
// by one, that which breaks under most faults of the kill matrix that none before
// it sees, as long as that is one in 0.3 s. Checks that run on instances of their own
// run beside others, and count half. The times were taken beside other work, on the
// reference and on an epoll echo in C; nothing that waits for seconds is among them.
// 120 of the matrix's 156 faults break one of them or more. Measured on two cores with
// a load of 17, before CONN-7 joined: 7.7 s for the reference, 4.8 s for the echo.
var quick = []string{
	"MODEL-3", "MODEL-6",
	"SIGN-1", "SIGN-2", "SIGN-3", "SIGN-4", "SIGN-5", "SIGN-6", "SIGN-7", "SIGN-8", "SIGN-9", "SIGN-10", "SIGN-11", "SIGN-12", "SIGN-13",
	"ACC-1", "ACC-2", "ACC-3", "ACC-5", "ACC-7", "ACC-8", "ACC-9",
	"CONN-1", "CONN-2", "CONN-3", "CONN-4", "CONN-5", "CONN-6", "CONN-7", "CONN-8", "CONN-11", "CONN-12", "CONN-14", "CONN-15", "CONN-16", "CONN-17", "CONN-18", "CONN-19", "CONN-20",
	"FLOW-3", "FLOW-6", "FLOW-7", "FLOW-8", "FLOW-10",
	"LOOP-3", "LOOP-5", "LOOP-13", "LOOP-14",
	"WAKE-1", "WAKE-5", "WAKE-8",
	"TASK-2", "TASK-3", "TASK-6", "TASK-7", "TASK-8", "TASK-9", "TASK-10", "TASK-12",
	"TIME-4", "TIME-11", "TIME-12", "TIME-13", "TIME-15",
	"WORK-2", "WORK-3", "WORK-4", "WORK-5",
	"LIFE-3", "LIFE-6", "LIFE-7", "LIFE-11",
	"RES-1", "RES-2", "RES-5", "RES-8",
	"PROBE-1", "PROBE-2", "PROBE-3", "PROBE-4", "PROBE-5", "PROBE-6", "PROBE-7", "PROBE-8", "PROBE-9", "PROBE-11", "PROBE-12",
}
