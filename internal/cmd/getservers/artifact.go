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
	for _, sub := range []string{fetched, unpacked} {
		if err := os.Mkdir(sub, 0o755); err != nil {
			return err
		}
	}
	archive, err := download(ctx, a, fetched, filepath.Join(temporary, "repository"))
	if err != nil {
		return err
	}
	if a.Debian != "" {
		err = runIn(ctx, fetched, "dpkg-deb", "--extract", archive, unpacked)
	} else {
		err = unpack(archive, a, unpacked)
	}
	if err != nil {
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

// fetcher is the program that fetches an artifact.
func fetcher(a testenv.Artifact) string {
	if a.Debian != "" {
		return "apt-get"
	}
	return "mvn"
}

// downloadTries is how often a download is begun again: some are large.
const downloadTries = 3

// download gets the archive of an artifact into a directory, from wherever the
// settings of Maven or apt say. Maven's repository is one that goes again: the
// user's would keep hundreds of megabytes.
func download(ctx context.Context, a testenv.Artifact, dir, repository string) (archive string, err error) {
	for try := 1; ; try++ {
		if a.Debian != "" {
			err = runIn(ctx, dir, "apt-get", "download", "-qq", a.Debian)
		} else {
			err = runIn(ctx, os.TempDir(), "mvn", "--quiet", "--batch-mode", "dependency:copy",
				"-Dartifact="+a.Maven, "-DoutputDirectory="+dir, "-Dmaven.repo.local="+repository)
		}
		if err == nil {
			break
		}
		if try == downloadTries || ctx.Err() != nil {
			return "", err
		}
		fmt.Println("That failed; trying again.")
	}
	archives, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(archives) != 1 {
		return "", fmt.Errorf("%d files came, one was expected", len(archives))
	}
	return archives[0], nil
}

func runIn(ctx context.Context, dir, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", program, errors.Join(err, ctx.Err()))
	}
	return nil
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
