package testenv

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// signalAll also reaches the children that have left the process group, and
// returns them.
func (s *Server) signalAll(pid int, signal syscall.Signal) []int {
	if !s.kind.scattered {
		s.signal(pid, signal)
		return nil
	}
	// While it stands still it has no more children.
	s.signal(pid, syscall.SIGSTOP)
	poll(func() bool { state, _ := processState(pid); return state != 'R' && state != 'S' && state != 'D' })
	all := children(pid)
	for _, child := range all {
		s.signal(child, signal) // each leads a group of its own
	}
	s.signal(pid, signal)
	return all
}

// waitGone waits for killed processes that are not our children.
func waitGone(pids []int) {
	for _, pid := range pids {
		poll(func() bool { state, _ := processState(pid); return state == 0 || state == 'Z' })
	}
}

// poll asks until the answer is yes, or for as long as a server may take to stop.
func poll(yes func() bool) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(stopTimeout); !yes() && time.Now().Before(end); {
		<-tick.C
	}
}

// children are the processes that a process has started. Where the system does
// not tell them in /proc there are none; what they do then after the end of
// their parent is up to them.
func children(parent int) []int {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	var all []int
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if _, its := processState(pid); its == parent {
			all = append(all, pid)
		}
	}
	return all
}

// processState is the letter of a process's state and its parent, zero for one
// that is gone.
func processState(pid int) (state byte, parent int) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0
	}
	// "pid (name) state parent …", and a name may hold anything.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 || len(fields[0]) != 1 {
		return 0, 0
	}
	parent, err = strconv.Atoi(string(fields[1]))
	if err != nil {
		return 0, 0
	}
	return fields[0][0], parent
}
