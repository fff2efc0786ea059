package main

import (
	"io"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// storedPicture is the address of a picture that needs no drawing.
var storedPicture = regexp.MustCompile(`<img src="/img/drawings/`)

func TestWarmUpFillsTheFrontPage(t *testing.T) {
	t.Parallel()
	s := startShop(t, "-warm-up")
	require.Eventually(t, func() bool {
		answer, err := http.Get(s.url + "/")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		page, err := io.ReadAll(answer.Body)
		return err == nil && storedPicture.Match(page)
	}, 30*time.Second, 50*time.Millisecond, "nobody asked for a picture, and none was drawn")
	require.Equal(t, exitOK, s.stop(), "%s", s.errs) // in the middle of the work
	require.NotContains(t, s.errs.String(), "ERROR")
}
