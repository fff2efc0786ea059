package testenv

import (
	"os"
	"path/filepath"
)

// An Artifact is what no Debian package can be installed for: a server that none
// has, or one that would set up a service of the machine's own. Command
// getservers fetches it and unpacks it into the user's cache, where this package
// finds it.
type Artifact struct {
	Name    string // of its directory, with the version if it is fixed
	Maven   string // group:artifact:version, and the packaging after another colon if it is no jar
	Debian  string // or the package that is unpacked, as a whole
	Inner   string // the .tar.gz inside of it that has the files; "" if it has them itself
	Folder  string // the part of it that is kept, and becomes its root; "" for all
	Program string // the program, relative to the root
}

// Artifacts are those that tests use.
var Artifacts = append([]Artifact{MySQLArtifact, galeraArtifact}, searchArtifacts()...)

// Dir is the directory the artifact is unpacked into.
func (a Artifact) Dir() (string, error) { return cacheDir(a.Name) }

// Present reports whether the artifact is there.
func (a Artifact) Present() bool {
	_, err := a.look()
	return err == nil
}

// look returns the path of the program.
func (a Artifact) look() (string, error) {
	dir, err := a.Dir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, a.Program)
	if _, err := os.Stat(path); err != nil {
		return "", &UnavailableError{Program: a.Name}
	}
	return path, nil
}
