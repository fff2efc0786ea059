package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// javaVersion is the line of a Java's release file that has its major version.
var javaVersion = regexp.MustCompile(`(?m)^JAVA_VERSION="([0-9]+)`)

// lookJava returns the home of the Java on PATH or, where that is older than version, of
// another one that is installed beside it. Else it returns an [UnavailableError].
func lookJava(version int) (string, error) {
	java, err := LookPath("java", "default-jre-headless")
	if err != nil {
		return "", err
	}
	if java, err = filepath.EvalSymlinks(java); err != nil { // Debian puts links before it
		return "", err
	}
	home := filepath.Dir(filepath.Dir(java))
	if version == 0 || majorOf(home) >= version {
		return home, nil
	}
	others, err := filepath.Glob("/usr/lib/jvm/*")
	if err != nil {
		return "", err
	}
	for _, other := range others {
		if majorOf(other) >= version {
			return other, nil
		}
	}
	return "", &UnavailableError{Program: fmt.Sprintf("Java %d", version), Package: fmt.Sprintf("openjdk-%d-jre-headless", version)}
}

// majorOf is the major version of the Java in a directory, 0 where there is none.
func majorOf(home string) int {
	release, err := os.ReadFile(filepath.Join(home, "release"))
	if err != nil {
		return 0
	}
	match := javaVersion.FindSubmatch(release)
	if match == nil {
		return 0
	}
	major, err := strconv.Atoi(string(match[1]))
	if err != nil {
		return 0
	}
	return major
}
