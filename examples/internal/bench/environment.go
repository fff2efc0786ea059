package bench

import (
	"bufio"
	"os"
	"runtime"
	"strings"
	"time"
)

// Environment is what a reader must know to compare figures.
type Environment struct {
	Date     string            `json:"date"` // RFC 3339, UTC
	CPU      string            `json:"cpu"`
	Cores    int               `json:"cores"`
	Memory   string            `json:"memory,omitempty"`
	OS       string            `json:"os"`
	Kernel   string            `json:"kernel,omitempty"`
	Go       string            `json:"go"`
	Versions map[string]string `json:"versions,omitempty"` // of servers and libraries
	Settings map[string]string `json:"settings,omitempty"` // of servers and of the run
}

// Describe reads the machine. What cannot be read stays empty.
func Describe() Environment {
	return Environment{
		Date:     time.Now().UTC().Format(time.RFC3339),
		CPU:      field("/proc/cpuinfo", "model name"),
		Cores:    runtime.NumCPU(),
		Memory:   field("/proc/meminfo", "MemTotal"),
		OS:       runtime.GOOS + "/" + runtime.GOARCH,
		Kernel:   firstLine("/proc/sys/kernel/osrelease"),
		Go:       runtime.Version(),
		Versions: map[string]string{},
		Settings: map[string]string{},
	}
}

// field returns the value of the first "name : value" line of a file.
func field(path, name string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func firstLine(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(content), "\n")
	return line
}
