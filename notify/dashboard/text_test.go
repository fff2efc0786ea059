package dashboard

import (
	"io/fs"
	"regexp"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/stretchr/testify/require"
)

// TestEverythingIsTranslated finds what the pages say and looks each up.
func TestEverythingIsTranslated(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	names, err := fs.Glob(files, "templates/*.html")
	require.NoError(t, err)
	call := regexp.MustCompile(`say "([^"]+)"`)
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		require.NoError(t, err)
		for _, match := range call.FindAllStringSubmatch(string(content), -1) {
			said[match[1]] = true
		}
	}
	for _, state := range notify.States {
		said[string(state)] = true
	}
	for _, reason := range []notify.Reason{notify.Failed, notify.Panicked, notify.TimedOut, notify.PermanentBy, notify.UnknownKind, notify.Unreadable, notify.Crashed} {
		said[string(reason)] = true
	}
	for _, text := range []string{"now", "%d s", "%d min", "%d h", "%d days", "%s ago", "in %s", "The queue does not answer. See the log.",
		"This queue cannot do that.", "The request is not valid.", "There is no such job. It may have been handled."} {
		said[text] = true
	}
	require.Greater(t, len(said), 50)
	for text := range said {
		require.Contains(t, zh, text)
	}
	for text := range zh {
		require.True(t, said[text], "%q is said nowhere", text)
	}
}

func TestRelative(t *testing.T) {
	t.Parallel()
	say := func(text string, args ...any) string { return text }
	now := time.Unix(1_700_000_000, 0)
	for d, want := range map[time.Duration]string{0: "now", 500 * time.Millisecond: "now", time.Hour: "%s ago", -time.Hour: "in %s"} {
		require.Equal(t, want, relative(say, now, now.Add(-d)))
	}
}

func TestGrouped(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		require.Equal(t, want, grouped(n))
	}
}
