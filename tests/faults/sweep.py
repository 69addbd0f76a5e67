#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The fault sweep: detour-apply fails at every point there is, and nothing is broken by it.

    sudo DETOURD_BUILDDIR=build /usr/bin/python3 tests/faults/sweep.py [--sample] [--only WORD]
        [--method METHOD] [--every-call]

The requests are those of both methods: stand.REQUESTS.  A traced run of each lists detour-apply's
own system calls.  From the first that changes something on, the points are
  kill    SIGKILL at every call that changes, starts or waits for something (of a loop whose number
          of turns differs, at some turns), and at each tenth of those that only look: a kill there
          finds what a kill at the next call finds,
  errno   every error that a call can return (errnos.py), once for each place in the program that
          makes the call, and one of them for each third of the other ways to get there (the
          functions on the stack),
  tool    each run of a tool fails, is killed or hangs, and all runs of it together.
With --every-call calls that only look, turns, and ways are as good as others: all is played.

strace counts the calls of a name.  Where that number differs from run to run, because the program
has waited or looked at processes more or less often, the call with about that number counts.

After each point the state must be whole: see Stand.whole_state.  When a state, with the tools
that have run until then, is seen for the first time, the same request comes next and then one that
leads elsewhere; the point is made once more, and that one comes next.  They must end well and
leave what they leave without any fault.  A state that has passed is not tried again, except that
at every tenth point, whatever it is, a message has to arrive, then comes the next run, and a
message has to arrive by its route.

Where kills and errors are injected, `postfix check` and the probe of a relay's service are stood in
for (Stand._prepare), but not at the tenth points, nor in the first run after a new state, nor where
tools fail.

Each worker has a lab of its own.  A point at which nothing was injected has not survived.
"""

import argparse
import collections
import contextlib
import multiprocessing
import os
import pathlib
import queue
import random
import re
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import calls                                                        # noqa: E402
import errnos                                                       # noqa: E402
from stand import COMMITS, DIRECTORY, METHODS, REQUESTS, SENDMAIL, Broken, Stand   # noqa: E402
from tools import Tools                                             # noqa: E402

ATTEMPTS = 12       # to hit a call: loops turn more or less often
EXACT_ATTEMPTS = 3  # to hit just that one
LISTINGS = 3
TURNS = 3           # of a loop that turns more or less often, and so only looks or waits
PLACE_FRAMES = 3    # of the stack: a function of the C library, and who calls it for what
HANGERS = 8         # labs in which tools hang: they wait and need no processor
TENTH = 10
EVERY_LOOK = 10     # of so many calls that only look, one
EVERY_WAY = 3       # of so many further ways to a place, one
# What else of a request's points is played: its steps are those of others.
EVERY_POINT = {"transport flip": 4, "transport install": 4}
SAMPLE = {"kill": 8, "errno": 8}      # points of each request
# Not in the sample: the other requests go the same ways.
NOT_SAMPLED = {"transport flip", "transport install"}
HANGS_SAMPLED = {"relay", "transport relay"}
# Its tools are those of another request.
NO_TOOLS = {"transport flip", "transport install"}
PLANNERS = 3

TRACE = ("-y", "-e", "trace=all")

# PATH and K_ON_PATH: see calls.number_on_path().  WORK: the number of tools that have run until
# then, and whether one is at work.  SWITCHED: whether what Postfix reads has been replaced.  LOOPS:
# how often it comes differs, or cannot be told.  STEADY: its number does not differ.
Point = collections.namedtuple(
    "Point", "request kind key k what path k_on_path work switched loops steady",
    defaults=(None, 0, None, True, False, True))
Outcome = collections.namedtuple("Outcome", "point evidence")


def describe(point):
    if point.kind == "tool":
        return f"{point.request}: {point.what[0]}: {point.what[1]}"
    at = "SIGKILL" if point.kind == "kill" else point.what
    return (f"{point.request}: {at} at {point.key.name}({point.key.about}), after "
            f"{point.key.tools} tools, no. {point.key.occurrence} (about the {point.k}th "
            f"{point.key.name})")


# What there is to be injected.

def group(key):
    """The turns of a loop are as good as each other."""
    return key[:3]


def point_at(request, kind, all_calls, call, what, loops, steady):
    before = all_calls[:all_calls.index(call)]
    return Point(request, kind, call.key, call.k, what, call.path,
                 calls.number_on_path(all_calls, call) if call.path else 0,
                 calls.tool_at_work(before), calls.replaces(before, COMMITS), loops,
                 steady or call.path is not None)


def plan_request(stand, request, every_call):
    """The points of REQUEST."""
    stand.to_start(request)
    listings = [list_calls(stand, TRACE) for _ in range(LISTINGS)]
    # Unwinding the stack slows the run down, so this one may turn in its loops differently.
    placed = list_calls(stand, (*TRACE, "-k"))
    numbers = {}
    for call in listings[0]:
        numbers[call.key] = call.k
        numbers.setdefault(group(call.key), call.k)
    loops = loops_of(listings)
    points = plan_kills(request, listings, loops, every_call)
    points += plan_errors(request, placed, loops, every_call)
    if not every_call:
        points = points[::EVERY_POINT.get(request, 1)]
    found = [*calls.tools_looked_for(placed), SENDMAIL]     # which a child looks for
    if request not in NO_TOOLS:
        points += plan_tools(stand, request, found)
    print(f"{request}: {len(listings[0])} system calls; points: "
          + ", ".join(f"{count} {kind}" for kind, count in count_kinds(points).items()), flush=True)
    return points, found, numbers


def plan_some(requests, every_call):
    """Request to its plan; the text of what was wrong even without a fault."""
    stand = Stand()
    try:
        return {request: plan_request(stand, request, every_call) for request in requests}, ""
    except Broken as error:
        return {}, str(error)
    finally:
        stand.close()


def plan(requests, every_call):
    """Request to its plan."""
    shares = [(requests[n::PLANNERS], every_call) for n in range(min(PLANNERS, len(requests)))]
    with multiprocessing.Pool(len(shares)) as planners:
        found = planners.starmap(plan_some, shares, chunksize=1)
    for _, wrong in found:
        if wrong:
            sys.exit(f"NOT SURVIVED, even without a fault: {wrong}")
    plans = {request: what for share, _ in found for request, what in share.items()}
    return {request: plans[request] for request in requests}


def _waits_or_looks(name, about, _):
    """What depends on other processes, and the two ends of two pipes, which look alike."""
    return (name in ("poll", "ppoll") or "/proc" in about
            or name in ("read", "close") and "<pipe:" in about
            or name == "read" and "inotify" in about)


def loops_of(listings):
    """Group to how often it comes at least, for those for which this differs."""
    turns = [collections.Counter(group(call.key) for call in listing) for listing in listings]
    counts = {name: {count[name] for count in turns} for count in turns for name in count}
    return {name: min(found) for name, found in counts.items()
            if len(found) > 1 or _waits_or_looks(*name)}


def plan_kills(request, listings, loops, every_call):
    """At the calls that all runs make, from the first change on; of a loop at some turns."""
    points, unsteady, looks = [], set(), 0
    for call in calls.from_the_first_change(listings[0], DIRECTORY):
        name = group(call.key)
        if name in loops:
            unsteady.add(call.name)
        turns = min(loops[name], 8 if every_call else TURNS) if name in loops else sys.maxsize
        if not every_call and calls.only_looks(call):
            looks += 1
            if looks % EVERY_LOOK:
                continue
        if call.key.occurrence <= turns:
            points.append(point_at(request, "kill", listings[0], call, "signal=KILL",
                                   name in loops, call.name not in unsteady))
    return points


def plan_errors(request, placed, loops, every_call):
    """For each place in the program that makes a call, its first call; for further ways to get
    there, the errors by turns."""
    places, ways, points, unsteady = set(), collections.Counter(), [], set()
    for call in calls.from_the_first_change(placed, DIRECTORY):
        if group(call.key) in loops:
            unsteady.add(call.name)
        place, way = (call.name, call.site[:PLACE_FRAMES], "O_CREAT" in call.args), call.site
        if (place, way) in places:
            continue
        errors = errnos.errors_of(call)
        if place in places and errors and not every_call:
            ways[place] += 1
            if ways[place] % EVERY_WAY:
                continue
            errors = [errors[ways[place] // EVERY_WAY % len(errors)]]
        places |= {place, (place, way)}
        points += [point_at(request, "errno", placed, call, errnos.fault(call, error),
                            group(call.key) in loops, call.name not in unsteady)
                   for error in errors]
    return points


def list_calls(stand, options):
    run = stand.apply(stand.request.verb, options, quick=True)
    stand.must_answer(run)
    if run.status != 0:
        raise Broken(f"the traced run itself failed:\n{run.stdout}{run.stderr}")
    stand.return_to_start(reload=True)
    return run.calls


def plan_tools(stand, request, found):
    tools = Tools(stand, found)
    if stand.apply(stand.request.verb).status != 0:
        raise Broken("a run with wrapped tools failed")
    runs = tools.runs()
    tools.remove()
    stand.return_to_start(reload=True)
    points = []
    for number, words in runs:
        points += [Point(request, "tool", str(number), 0, (f"{words} (run {number})", how))
                   for how in ("fail", "kill", "hang")]
    for name in sorted({words.split()[0] for _, words in runs}):
        points += [Point(request, "tool", name, 0, (f"every {name}", how))
                   for how in ("fail", "fail in silence", "kill", "hang")]
    return points


def count_kinds(points):
    return collections.Counter(point.kind for point in points)


def sample(points):
    """Some of each kind, the same ones every time; of the tools, each once, and one that hangs."""
    some = []
    for kind, count in SAMPLE.items():
        these = [point for point in points if point.kind == kind and point.steady]
        some += these[::max(1, len(these) // count)]
    tools = [point for point in points if point.kind == "tool" and not point.key.isdigit()]
    some += [point for point in tools if point.what[1] == "fail"]
    return some + [point for point in tools if point.key == "postconf" and point.what[1] == "hang"
                   and point.request in HANGS_SAMPLED]


# One point.

class Sweeper:
    """A stand, and the states that anybody has already followed up."""

    def __init__(self, planned, seen):
        self._found = sorted({path for plan in planned.values() for path in plan[1]})  # tools
        self._numbers = {request: plan[2] for request, plan in planned.items()}
        self._seen = seen           # shared: state to how often it was followed up
        self._done = 0
        self.followed = 0
        self.stand = None
        self._tools = None

    def close(self):
        if self.stand:
            self.stand.close()
        self.stand = self._tools = None

    def _ready_for(self, request, with_tools):
        if self.stand is None:
            self.stand = Stand()
        if self.stand.name != request:
            self.stand.to_start(request)
        if with_tools and self._tools is None:
            self._tools = Tools(self.stand, self._found)

    def sweep(self, point):
        """What is wrong after this point, or ""."""
        try:
            self._ready_for(point.request, point.kind == "tool")
            self._done += 1
            if point.kind == "tool":
                self._spoil_tool(point)
            else:
                self._inject(point)
            return ""
        except Exception as error:
            # Nobody knows what is left there.
            text = str(error) if isinstance(error, Broken) else traceback.format_exc()
            log = self._telling_log()
            self.close()
            return text + log

    def _telling_log(self):
        log = self.stand.host.log() if self.stand else ""
        found = [line for line in log.splitlines() if re.search("warning|fatal|panic|error", line)]
        return "\nmail log:\n" + "\n".join(found[-10:]) if found else ""

    def finish(self):
        """A last switch and return, with mail; how many further runs and messages there were."""
        if self.stand is None:
            return self.followed, 0
        for verb in ("relay", "direct"):
            self._follow(verb)
            self.stand.mail_arrives(verb)
        self.stand.all_mail_arrived()
        return self.followed, len(self.stand.messages)

    def _inject(self, point):
        """Until the call that is meant is hit, or a turn of the same loop; after some runs, any
        call of that name and about that number will do."""
        tenth = self._done % TENTH == 0
        if point.path and self._inject_on_path(point, tenth):
            return
        numbers = self._numbers[point.request]
        k = wanted = numbers.get(point.key) or numbers.get(group(point.key), point.k)
        for attempt in range(1, ATTEMPTS + 1):
            def run(k=k, quick=not tenth):
                return self.stand.apply(self.stand.request.verb, (
                    *TRACE, "-e", f"inject={point.key.name}:{point.what}:when={k}"), quick=quick)
            done = run()
            named = [call for call in done.calls if call.name == point.key.name]
            hit = named[k - 1] if len(named) >= k and (done.killed or done.injected) else None
            work_done = calls.tool_at_work(done.calls) if done.killed else None
            self._judge(point, done, hit, run, work_done, tenth)
            tenth = False
            if hit and (attempt >= EXACT_ATTEMPTS or is_meant(point, hit)):
                return
            k = aim_again(point, k, named, hit, k + wanted - numbers.get(hit.key, k) if hit else k)
        raise Broken(f"nothing was injected there in {ATTEMPTS} runs")

    def _inject_on_path(self, point, tenth):
        """Counting the calls on its path alone, which other loops do not disturb; whether it was
        hit."""
        def run():
            return self.stand.apply(self.stand.request.verb, (
                *TRACE, "-P", point.path,
                "-e", f"inject={point.key.name}:{point.what}:when={point.k_on_path}"),
                quick=not tenth)
        done = run()
        named = [call for call in done.calls if call.name == point.key.name]
        hit = (named[point.k_on_path - 1]
               if len(named) >= point.k_on_path and (done.killed or done.injected) else None)
        self._judge(point, done, hit, run, point.work if done.killed else None, tenth)
        return hit is not None and hit.key.about == point.key.about

    def _spoil_tool(self, point):
        """Until that run of a tool is hit; its number may differ from run to run."""
        which, words = point.key, point.what[0].rpartition(" (run ")[0]
        for _ in range(ATTEMPTS):
            def run(which=which):
                return self._run_spoilt(which, point.what[1])
            done = run()
            ran = self._tools.runs()
            if self._tools.has_run(which):
                self._judge(point, done, None, run, None, tenth=self._done % TENTH == 0)
                return
            self.stand.return_to_start(reload=True)
            alike = [number for number, what in ran if what == words]
            if alike:
                which = str(min(alike, key=lambda number: abs(number - int(which))))
        raise Broken(f"the tool {point.key} was never run: nothing was injected")

    def _run_spoilt(self, which, how):
        self._tools.spoil(which, how)
        try:
            return self.stand.apply(self.stand.request.verb, timeout=600)
        finally:
            self._tools.clear_plan()

    # Afterwards.

    def _judge(self, point, run, hit, again, work_done, tenth):
        """The state that RUN has left; AGAIN makes such a run once more."""
        stand = self.stand
        state = stand.whole_state()
        on_answer = hit is not None and hit.args[:2] in ("1<", "1,")
        if not run.killed:
            self._ended_as_it_says(stand.must_answer(run, on_answer), run)
        key = point.request, state, work_done
        times = self._seen.get(key, 0)
        self._seen[key] = times + 1
        if times == 0:
            stand.tools_agree()
            self._same_and_back()
            again()
            stand.whole_state()
            self._other(stand.request.others[len(self._seen) % len(stand.request.others)])
        elif tenth:
            self._with_mail()
        else:
            # Without its answer nobody knows what it has done to Postfix's processes.
            stand.return_to_start(reload=point.switched or on_answer or '"reload"' in run.stdout)

    @staticmethod
    def _reason(run):
        return f"\n{run.stdout}{run.stderr}"

    def _ended_as_it_says(self, answer, run):
        """Done is done, and what failed has changed nothing."""
        if answer is None:
            return
        name = self.stand.state_name()
        done = answer["result"] in ("ok", "unchanged")
        if done != (name in self.stand.last_steps):
            raise Broken(f"the result is {answer['result']}, Postfix reads {name}"
                         + self._reason(run))
        if not done and name != "the start":
            raise Broken(f"it failed, and Postfix reads {name}" + self._reason(run))

    def _follow(self, verb, quick=True):
        leaves_ours = self.stand.leaves_ours(verb)
        self.stand.must(verb, "the next run", quick)
        self.stand.at_end_of(verb, leaves_ours)
        self.followed += 1

    def _same_and_back(self):
        request = self.stand.request
        self._follow(request.verb, quick=False)
        self._follow(request.others[0])
        self.stand.return_to_start(reload=True)

    def _other(self, verb):
        self._follow(verb)
        if verb == "relay":
            self._follow("direct")
        self.stand.return_to_start(reload=True)

    def _with_mail(self):
        """The next run, by turns the same and another one, and a message."""
        request = self.stand.request
        verbs = request.verb, *request.others
        verb = verbs[self._done // TENTH % len(verbs)]
        self.stand.mail_arrives()
        self._follow(verb, quick=False)
        self.stand.mail_arrives(verb)
        self.stand.return_to_start(reload=True)


def is_meant(point, hit):
    return group(hit.key) == group(point.key) if point.loops else hit.key == point.key


def aim_again(point, k, named, hit, guess):
    """Which number the call that is meant may have the next time; GUESS by a run without faults."""
    same = [call.k for call in named if group(call.key) == group(point.key)]
    exact = [call.k for call in named if call.key == point.key]
    if exact and not point.loops:
        return exact[0]
    if same:
        return same[len(same) // 2]
    if hit is None:
        return max(1, len(named) - 1)
    if guess != k:
        return max(1, guess)
    return k + (3 if hit.key.tools < point.key.tools else 1)


# Everybody at work.

def work(queues, results, planned, seen):
    """Until all QUEUES, one for each request, are empty."""
    sweeper = Sweeper(planned, seen)
    for points in queues:
        with contextlib.suppress(queue.Empty):
            while True:
                point = points.get(timeout=1)
                results.put(Outcome(point, sweeper.sweep(point)))
    try:
        results.put(Outcome(None, sweeper.finish()))
    except Exception:
        results.put(Outcome("the end of a worker", traceback.format_exc()))
    sweeper.close()


def hangs(point):
    return point.kind == "tool" and point.what[1] == "hang"


def fill_queues(points):
    """One for each request, since to change over costs time; each in no order, the same always, so
    that whatever is wrong shows early."""
    queues = []
    for request in REQUESTS:
        these = [point for point in points if point.request == request]
        random.Random(request).shuffle(these)
        queues.append(multiprocessing.Queue())
        for point in these:
            queues[-1].put(point)
    return queues


def from_nth(queues, n):
    """Each worker begins with requests of its own."""
    first = n * len(queues) // (os.cpu_count() + 1) % len(queues)
    return queues[first:] + queues[:first]


def start_workers(points, planned, jobs):
    """The queue of results, the processes, and what has to live as long as they do."""
    manager = multiprocessing.Manager()
    seen, results, workers = manager.dict(), multiprocessing.Queue(), []
    for share, count in (([p for p in points if not hangs(p)], jobs),
                         ([p for p in points if hangs(p)], HANGERS)):
        queues = fill_queues(share)
        workers += [multiprocessing.Process(
            target=work, args=(from_nth(queues, i), results, planned, seen))
            for i in range(min(count, len(share)))]
    for worker in workers:
        worker.start()
    return results, workers, (manager, seen)


def collect(points, planned, jobs):
    """An outcome for each point; progress is told."""
    results, workers, shared = start_workers(points, planned, jobs)
    outcomes, followed, messages, told = [], 0, 0, time.monotonic()
    while any(worker.is_alive() for worker in workers) or not results.empty():
        try:
            outcome = results.get(timeout=1)
        except queue.Empty:
            continue
        if outcome.point is None:
            followed, messages = followed + outcome.evidence[0], messages + outcome.evidence[1]
            continue
        outcomes.append(outcome)
        if outcome.evidence:
            tell_failure(outcome)
        if time.monotonic() - told > 30:
            told = time.monotonic()
            print(f"  {len(outcomes)} of {len(points)}", flush=True)
    shared[0].shutdown()
    print(f"{followed} further runs after them, {messages} messages", flush=True)
    return outcomes


def tell_failure(outcome):
    name = describe(outcome.point) if isinstance(outcome.point, Point) else outcome.point
    print(f"NOT SURVIVED {name}\n    " + outcome.evidence.strip().replace("\n", "\n    "),
          flush=True)


def summary(points, outcomes):
    """True if all have survived."""
    good = {outcome.point for outcome in outcomes if not outcome.evidence}
    others = [outcome for outcome in outcomes if not isinstance(outcome.point, Point)]
    for request in dict.fromkeys(point.request for point in points):
        these = [point for point in points if point.request == request]
        by_kind = "; ".join(f"{kind} {sum(p.kind == kind and p in good for p in these)} of {count}"
                            for kind, count in count_kinds(these).items())
        print(f"{request}: {sum(p in good for p in these)} of {len(these)} survived ({by_kind})")
    print(f"total: {len(good)} of {len(points)} survived")
    return len(good) == len(points) and not others


def arguments():
    parser = argparse.ArgumentParser(description="The fault sweep")
    parser.add_argument("--sample", action="store_true", help="some points of each kind")
    parser.add_argument("--only", default="", metavar="WORD",
                        help="only the points whose description holds WORD")
    parser.add_argument("--every-call", action="store_true", help="also what finds what others find")
    parser.add_argument("--method", default="", choices=["", *sorted(METHODS)], metavar="METHOD",
                        help="only the requests of this one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() + 1, metavar="N")
    return parser.parse_args()


def main():
    options = arguments()
    if os.geteuid() != 0:
        sys.exit("the fault sweep needs root: its lab makes network namespaces")
    began = time.monotonic()
    requests = [name for name in REQUESTS
                if options.method in ("", REQUESTS[name].method)
                and (options.only in REQUESTS or not options.sample or name not in NOT_SAMPLED)]
    requests = [name for name in requests if options.only not in REQUESTS or name == options.only]
    planned = plan(requests, options.every_call)
    points = [point for points, *_ in planned.values()
              for point in (sample(points) if options.sample else points)
              if options.only in REQUESTS or options.only in describe(point)]
    print(f"planned in {time.monotonic() - began:.0f} s: {len(points)} points", flush=True)
    outcomes = collect(points, planned, options.jobs)
    print(f"{time.monotonic() - began:.0f} s")
    sys.exit(0 if summary(points, outcomes) else 1)


if __name__ == "__main__":
    main()
