package testenv

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"
)

// LimitFiles lets no file of the server grow beyond so many bytes, from now on and as long as it runs: to the server it is as a
// disk that has no room left. Less than zero means that there is room again. A limit that is no multiple of a database's
// page leaves a write short, as a full disk does. What the server has to write at any price, such as its log, must be
// smaller. It needs no more rights than the server's own, and the program prlimit.
func (s *Server) LimitFiles(bytes int64) error {
	return s.locked("limit files", func() error {
		if s.cmd == nil {
			return errors.New("the server is down")
		}
		program, err := LookPath("prlimit", "util-linux")
		if err != nil {
			return err
		}
		pid := s.cmd.Process.Pid
		if err := s.limit(program, pid, bytes); err != nil {
			return err
		}
		for _, child := range children(pid) { // those that come later have it from their parent
			if err := s.limit(program, child, bytes); err != nil {
				if state, _ := processState(child); state != 0 && state != 'Z' {
					return err
				}
			}
		}
		return nil
	})
}

// limit is done by who runs the server: not even root may do it to others everywhere.
func (s *Server) limit(program string, pid int, bytes int64) error {
	soft := "unlimited"
	if bytes >= 0 {
		soft = strconv.FormatInt(bytes, 10)
	}
	cmd := exec.Command(program, "--pid="+strconv.Itoa(pid), "--fsize="+soft+":") // the hard limit stays
	if s.kind.unprivileged {
		drop(cmd)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("prlimit: %w: %s", err, out)
	}
	return nil
}
