package report

import (
	"bufio"
	"os"
	"runtime"
	"strings"
)

// ThisMachine describes the machine that the caller runs on.
func ThisMachine() *Machine {
	m := &Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU()}
	if name := kernel(); name != "" {
		m.OS = name
	}
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return m
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, value, found := strings.Cut(lines.Text(), ":"); found && strings.TrimSpace(key) == "model name" {
			m.Processor = strings.TrimSpace(value)
			break
		}
	}
	return m
}
