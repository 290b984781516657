/*
 * The wakeup protocol of a loop that sleeps in poll and is posted to from
 * other threads: post, sleep, wake, drain. No post is lost that races with the
 * sleep (WAKE-3), nor one of several at once (WAKE-4).
 *
 * A post appends to the queue under a lock and then decides whether to write
 * to the wake descriptor. Two shapes of that decision are in use, both to
 * spare writes (WAKE-5), and both are checked here:
 *
 *   (default)   coalescing flag: the first post since the last drain writes;
 *               after the poll the loop drains, clears the flag, takes the queue.
 *   -DANNOUNCE  announced sleep: a post writes only to a loop that said it is
 *               about to sleep; having said so, the loop looks at the queue again.
 *
 * The classic mistakes are variants that the checker must refute:
 *
 *   -DCLEAR_BEFORE_DRAIN        clear the flag, then drain: the drain eats the
 *                               write of a post that came in between, and the
 *                               flag it set silences every later post.
 *   -DANNOUNCE -DNO_RECHECK     announce the sleep without looking again: a post
 *                               that came just before is never seen.
 *
 * A lost wakeup (WAKE-3) is a loop blocked in poll for ever with tasks queued: the
 * model has no valid end state but all processes finished, so the checker
 * reports it as an invalid end state. The claim `runs` adds that under weak
 * fairness every post is run.
 */

#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef POSTS
#define POSTS 3			/* posts by each producer */
#endif
#define TOTAL (PRODUCERS * POSTS)
#define FULL 2			/* the descriptor holds so many unread wakeups; a write to a full one is dropped (EAGAIN, WAKE-6) */

byte queue = 0;			/* tasks posted and not yet taken */
byte fd    = 0;			/* unread writes on the wake descriptor */
byte ran   = 0;
bool flag  = 0;			/* default: a wakeup is under way */
bool asleep = 0;		/* ANNOUNCE: the loop is about to sleep, or sleeps */

inline write_wake() {
	/* one step: write(2) is atomic; EAGAIN means that a wakeup is already there */
	atomic { if :: fd < FULL -> fd++ :: else -> skip fi }
}

proctype Producer() {
	byte i = 0;
	bool mine;
	do
	:: i < POSTS ->
		queue++;		/* append, under the lock */
#ifdef ANNOUNCE
		atomic { mine = asleep; asleep = 0 }	/* swap */
#else
		atomic { mine = !flag; flag = 1 }	/* compare and swap */
#endif
		if
		:: mine -> write_wake()
		:: else -> skip
		fi;
		i++
	:: else -> break
	od
}

proctype Loop() {
	byte batch;
	do
	:: ran == TOTAL -> break
	:: else ->
#ifdef ANNOUNCE
		asleep = 1;
#ifdef NO_RECHECK
		fd > 0;			/* poll, without a timeout */
#else
		if
		:: queue > 0 -> skip	/* poll with a zero timeout */
		:: queue == 0 -> fd > 0	/* poll: decided on the look above, blocks until readable */
		fi;
#endif
		asleep = 0;
		fd = 0;			/* drain */
#else
		fd > 0;			/* poll */
#ifdef CLEAR_BEFORE_DRAIN
		flag = 0;
		fd = 0;
#else
		fd = 0;			/* drain … */
		flag = 0;		/* … before clearing */
#endif
#endif
		atomic { batch = queue; queue = 0 };	/* take all, under the lock */
		ran = ran + batch
	od
}

init {
	byte p = 0;
	atomic {
		run Loop();
		do
		:: p < PRODUCERS -> run Producer(); p++
		:: else -> break
		od
	}
}

ltl runs { <> (ran == TOTAL) }
