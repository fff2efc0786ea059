// Package progress draws how far a long task is, for the person who waits.
package progress

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Bar is a bar of total steps (-1: not known yet) under a description, drawn on
// console at most ten times a second. Nothing is written where console is no
// terminal, so that a log keeps only what was said.
func Bar(console io.Writer, total int64, what string) *progressbar.ProgressBar {
	file, isFile := console.(*os.File)
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(console),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetVisibility(isFile && term.IsTerminal(int(file.Fd()))),
		progressbar.OptionSetWidth(40),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionClearOnFinish(),
	)
}
