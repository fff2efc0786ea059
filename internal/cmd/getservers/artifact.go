package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/seed82d84382/commerce/internal/testenv"
)

// maxUnpacked bounds one file of an archive.
const maxUnpacked = 1 << 30

// fetch puts an artifact into its directory, as a whole or not at all.
func fetch(ctx context.Context, a testenv.Artifact) (err error) {
	dir, err := a.Dir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	fetched, unpacked := filepath.Join(temporary, "fetched"), filepath.Join(temporary, "unpacked")
	if err := download(ctx, a, fetched, temporary); err != nil {
		return err
	}
	if a.Dependencies {
		unpacked = fetched
	} else if err := unpackOnly(fetched, a, unpacked); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(unpacked, a.Program)); err != nil {
		return fmt.Errorf("the artifact lacks its program: %w", err)
	}
	if err := os.Rename(unpacked, dir); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// unpackOnly unpacks the one archive in a directory.
func unpackOnly(fetched string, a testenv.Artifact, unpacked string) error {
	if err := os.Mkdir(unpacked, 0o755); err != nil {
		return err
	}
	archives, err := filepath.Glob(filepath.Join(fetched, "*"))
	if err != nil || len(archives) != 1 {
		return fmt.Errorf("%d files came, one was expected", len(archives))
	}
	return unpack(archives[0], a, unpacked)
}

// downloadTries is how often a download is begun again: some are large.
const downloadTries = 3

// download asks Maven for an artifact, from wherever its settings say. The
// repository is one that goes again: the user's would keep hundreds of megabytes.
func download(ctx context.Context, a testenv.Artifact, dir, temporary string) error {
	args := []string{"--quiet", "--batch-mode", "dependency:copy", "-Dartifact=" + a.Maven}
	if a.Dependencies {
		project := filepath.Join(temporary, "pom.xml")
		if err := os.WriteFile(project, projectOf(a.Maven), 0o600); err != nil {
			return err
		}
		args = []string{"--quiet", "--batch-mode", "dependency:copy-dependencies", "--file", project}
	}
	args = append(args, "-DoutputDirectory="+dir, "-Dmaven.repo.local="+filepath.Join(temporary, "repository"))
	for try := 1; ; try++ {
		cmd := exec.CommandContext(ctx, "mvn", args...)
		cmd.Dir = os.TempDir() // no project's settings
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		err := cmd.Run()
		if err == nil {
			return nil
		}
		if err = errors.Join(err, ctx.Err()); try == downloadTries || ctx.Err() != nil {
			return fmt.Errorf("mvn %s: %w", args[2], err)
		}
		fmt.Println("That failed; trying again.")
	}
}

// projectOf is a project of Maven that only depends on an artifact.
func projectOf(coordinates string) []byte {
	parts := strings.Split(coordinates, ":")
	return fmt.Appendf(nil, `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>none</groupId><artifactId>none</artifactId><version>1</version><packaging>pom</packaging>
<dependencies><dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency></dependencies></project>
`, parts[0], parts[1], parts[2])
}

// unpack writes what an artifact keeps of an archive into a directory.
func unpack(archive string, a testenv.Artifact, dir string) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	files, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	if a.Inner != "" {
		inner, err := files.Open(a.Inner)
		if err != nil {
			return err
		}
		return errors.Join(unpackTar(inner, a.Folder, root), inner.Close())
	}
	for _, file := range files.File {
		name, wanted := within(a.Folder, file.Name)
		if !wanted || file.FileInfo().IsDir() {
			continue
		}
		content, err := file.Open()
		if err != nil {
			return err
		}
		if err := errors.Join(write(root, name, file.Mode(), content), content.Close()); err != nil {
			return err
		}
	}
	return nil
}

func unpackTar(compressed io.Reader, folder string, root *os.Root) error {
	plain, err := gzip.NewReader(compressed)
	if err != nil {
		return err
	}
	files := tar.NewReader(plain)
	for {
		file, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, wanted := within(folder, file.Name)
		if !wanted {
			continue
		}
		switch file.Typeflag {
		case tar.TypeReg:
			err = write(root, name, file.FileInfo().Mode(), files)
		case tar.TypeSymlink:
			if err = root.MkdirAll(path.Dir(name), 0o755); err == nil {
				err = root.Symlink(file.Linkname, name)
			}
		}
		if err != nil {
			return err
		}
	}
}

// within is a name as it is inside of a folder, and whether it is in there.
func within(folder, name string) (string, bool) {
	name = path.Clean(name)
	if folder == "" {
		return name, name != "."
	}
	return strings.CutPrefix(name, path.Clean(folder)+"/")
}

// write makes a file. A root lets no name lead out of it.
func write(root *os.Root, name string, mode os.FileMode, content io.Reader) (err error) {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode.Perm()|0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if n, err := io.Copy(file, io.LimitReader(content, maxUnpacked+1)); err != nil || n > maxUnpacked {
		return errors.Join(err, fmt.Errorf("%s: %d bytes written, at most %d are allowed", name, n, maxUnpacked))
	}
	return nil
}
