package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv"
)

// archiveOf is a zip file with these contents by name.
func archiveOf(t *testing.T, contents map[string][]byte) string {
	t.Helper()
	var packed bytes.Buffer
	files := zip.NewWriter(&packed)
	for name, content := range contents {
		file, err := files.Create(name)
		require.NoError(t, err)
		_, err = file.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, files.Close())
	path := filepath.Join(t.TempDir(), "archive.zip")
	require.NoError(t, os.WriteFile(path, packed.Bytes(), 0o600))
	return path
}

func tarOf(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	files := tar.NewWriter(compressed)
	for _, header := range headers {
		require.NoError(t, files.WriteHeader(&header))
		if header.Size > 0 {
			_, err := files.Write(bytes.Repeat([]byte("x"), int(header.Size)))
			require.NoError(t, err)
		}
	}
	require.NoError(t, files.Close())
	require.NoError(t, compressed.Close())
	return packed.Bytes()
}

func TestUnpackFolder(t *testing.T) {
	t.Parallel()
	archive := archiveOf(t, map[string][]byte{"app-1/server/bin/run": []byte("run"), "app-1/other": []byte("no"), "app-1/server-2/bin": []byte("no")})
	dir := t.TempDir()
	require.NoError(t, unpack(archive, testenv.Artifact{Folder: "app-1/server"}, dir))
	content, err := os.ReadFile(filepath.Join(dir, "bin", "run"))
	require.NoError(t, err)
	require.Equal(t, "run", string(content))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestUnpackInnerArchive(t *testing.T) {
	t.Parallel()
	inner := tarOf(t, tar.Header{Name: "./bin/run", Mode: 0o755, Size: 3, Typeflag: tar.TypeReg},
		tar.Header{Name: "lib/link", Linkname: "../bin/run", Typeflag: tar.TypeSymlink})
	archive := archiveOf(t, map[string][]byte{"linux.tar.gz": inner, "else.tar.gz": nil})
	dir := t.TempDir()
	require.NoError(t, unpack(archive, testenv.Artifact{Inner: "linux.tar.gz"}, dir))
	info, err := os.Stat(filepath.Join(dir, "lib", "link"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o755), info.Mode().Perm())
	require.Error(t, unpack(archive, testenv.Artifact{Inner: "no.tar.gz"}, t.TempDir()))
}

func TestUnpackLeavesNothingOutside(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	dir := filepath.Join(outside, "inside")
	require.NoError(t, os.Mkdir(dir, 0o755))
	inner := tarOf(t, tar.Header{Name: "way", Linkname: "..", Typeflag: tar.TypeSymlink},
		tar.Header{Name: "way/out", Mode: 0o644, Size: 3, Typeflag: tar.TypeReg})
	archive := archiveOf(t, map[string][]byte{"in.tar.gz": inner, "../out": []byte("out")})
	require.Error(t, unpack(archive, testenv.Artifact{Inner: "in.tar.gz"}, dir))
	require.Error(t, unpack(archive, testenv.Artifact{}, dir))
	require.NoFileExists(t, filepath.Join(outside, "out"))
}
