package cron_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify/cron"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const layout = "2006-01-02 15:04:05 -0700"

func at(t testing.TB, text string) time.Time {
	t.Helper()
	v, err := time.Parse(layout, text)
	require.NoError(t, err)
	return v
}

func TestNext(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ expression, after, want string }{
		{"* * * * *", "2026-01-01 10:00:00 +0000", "2026-01-01 10:01:00 +0000"},
		{"* * * * *", "2026-01-01 10:00:30 +0000", "2026-01-01 10:01:00 +0000"},
		{"*/15 * * * *", "2026-01-01 10:46:00 +0000", "2026-01-01 11:00:00 +0000"},
		{"5-20/5 8 * * *", "2026-01-01 08:10:00 +0000", "2026-01-01 08:15:00 +0000"},
		{"0 9 * * mon-fri", "2026-01-02 09:00:00 +0000", "2026-01-05 09:00:00 +0000"}, // Friday to Monday
		{"0 0 1,15 * *", "2026-01-02 00:00:00 +0000", "2026-01-15 00:00:00 +0000"},
		{"0 0 13 * fri", "2026-01-01 00:00:00 +0000", "2026-01-02 00:00:00 +0000"},  // either day suffices
		{"0 0 */2 * fri", "2026-01-01 00:00:00 +0000", "2026-01-09 00:00:00 +0000"}, // a star restricts with the other
		{"0 0 * * 7", "2026-01-01 00:00:00 +0000", "2026-01-04 00:00:00 +0000"},
		{"0 0 * * 5-7", "2026-01-03 00:00:00 +0000", "2026-01-04 00:00:00 +0000"},
		{"0 0 29 2 *", "2026-01-01 00:00:00 +0000", "2028-02-29 00:00:00 +0000"},
		{"0 0 29 FEB mon", "2097-01-01 00:00:00 +0000", "2097-02-04 00:00:00 +0000"},
		{"59 23 31 12 *", "2026-12-31 23:59:00 +0000", "2027-12-31 23:59:00 +0000"},
		{"@daily", "2026-01-01 00:00:00 +0000", "2026-01-02 00:00:00 +0000"},
		{"@weekly", "2026-01-01 00:00:00 +0000", "2026-01-04 00:00:00 +0000"},
		{"@every 90s", "1970-01-01 00:01:31 +0000", "1970-01-01 00:03:00 +0000"},
		{"@every 90s", "1969-12-31 23:59:59 +0000", "1970-01-01 00:00:00 +0000"},
		{"TZ=Asia/Shanghai 0 9 * * *", "2026-01-01 01:00:00 +0000", "2026-01-02 01:00:00 +0000"},
		{"TZ=Asia/Kolkata 30 9 * * *", "2026-01-01 00:00:00 +0000", "2026-01-01 04:00:00 +0000"},
	} {
		s, err := cron.Parse(c.expression, nil)
		require.NoError(t, err, c.expression)
		require.Equal(t, c.want, s.Next(at(t, c.after)).Format(layout), "%s after %s", c.expression, c.after)
	}
}

// In Berlin 2026 the clock goes from 02:00 to 03:00 on 29 March and from 03:00 to 02:00 on 25 October.
func TestClockChanges(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for _, c := range []struct {
		expression, after string
		want              []string
	}{
		{"30 2 * * *", "2026-03-28 03:00:00 +0100", []string{"2026-03-29 03:00:00 +0200", "2026-03-30 02:30:00 +0200"}},
		{"0 2,3 * * *", "2026-03-29 00:00:00 +0100", []string{"2026-03-29 03:00:00 +0200", "2026-03-30 02:00:00 +0200"}},
		{"30 * * * *", "2026-03-29 01:00:00 +0100", []string{"2026-03-29 01:30:00 +0100", "2026-03-29 03:30:00 +0200"}},
		{"30 2 * * *", "2026-10-25 00:00:00 +0200", []string{"2026-10-25 02:30:00 +0200", "2026-10-26 02:30:00 +0100"}},
		{"30 * * * *", "2026-10-25 01:31:00 +0200", []string{"2026-10-25 02:30:00 +0200", "2026-10-25 02:30:00 +0100", "2026-10-25 03:30:00 +0100"}},
	} {
		s, err := cron.Parse(c.expression, berlin)
		require.NoError(t, err)
		moment := at(t, c.after)
		for _, want := range c.want {
			moment = s.Next(moment)
			require.Equal(t, want, moment.In(berlin).Format(layout), c.expression)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "*", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *", "* * * 13 *", "* * * * 8",
		"-1 * * * *", "+1 * * * *", "1- * * * *", "5-1 * * * *", "*/0 * * * *", "*/60 * * * *", "5/5 * * * *", "1,,2 * * * *", "a * * * *",
		"* * * foo *", "* * * * mond", "0x1 * * * *", "0 0 31 2 *", "0 0 31 4,6 *", "@reboot", "@every", "@every 1ms", "@every -5s", "@every 1500ms",
		"TZ=Nowhere/City * * * * *", "TZ= * * * * *", "TZ=../../etc/passwd * * * * *", strings.Repeat("1,", 200) + "1 * * * *",
	} {
		_, err := cron.Parse(bad, nil)
		require.ErrorIs(t, err, cron.ErrInvalid, "%q", bad)
	}
}

// TestNextAgainstEveryMinute compares to the plainest reading in a zone without changes.
func TestNextAgainstEveryMinute(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pick := func(name string, low, high int) (string, func(int) bool) {
			switch rapid.IntRange(0, 2).Draw(t, name+" form") {
			case 0:
				return "*", func(int) bool { return true }
			case 1:
				a := rapid.IntRange(low, high).Draw(t, name)
				return fmt.Sprint(a), func(v int) bool { return v == a }
			}
			a := rapid.IntRange(low, high).Draw(t, name+" from")
			b := rapid.IntRange(a, high).Draw(t, name+" to")
			n := rapid.IntRange(1, 7).Draw(t, name+" step")
			n = min(n, high)
			return fmt.Sprintf("%d-%d/%d", a, b, n), func(v int) bool { return v >= a && v <= b && (v-a)%n == 0 }
		}
		minute, onMinute := pick("minute", 0, 59)
		hour, onHour := pick("hour", 0, 23)
		weekday, onWeekday := pick("weekday", 0, 6)
		s, err := cron.Parse(fmt.Sprintf("%s %s * * %s", minute, hour, weekday), nil)
		if err != nil {
			t.Fatal(err)
		}
		from := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "from"), 0).UTC()
		want := from.Truncate(time.Minute).Add(time.Minute)
		for !(onMinute(want.Minute()) && onHour(want.Hour()) && onWeekday(int(want.Weekday()))) {
			want = want.Add(time.Minute)
		}
		if got := s.Next(from); !got.Equal(want) {
			t.Fatalf("%s after %s: %s instead of %s", s, from, got, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"* * * * *", "*/5 1-3,7 * jan-mar/2 sun", "TZ=Asia/Shanghai 0 9 * * *", "@every 1h", "@daily", "0 0 29 2 *", "61 * * * *"} {
		f.Add(seed, int64(1_700_000_000))
	}
	f.Fuzz(func(t *testing.T, expression string, unix int64) {
		s, err := cron.Parse(expression, nil)
		if err != nil {
			require.ErrorIs(t, err, cron.ErrInvalid)
			return
		}
		from := time.Unix(unix%(1<<33), 0)
		first := s.Next(from)
		if first.IsZero() {
			return
		}
		require.True(t, first.After(from), "%q after %s is %s", expression, from, first)
		// What is due next does not depend on where one starts to look.
		if between := first.Add(-time.Second); between.After(from) {
			require.True(t, s.Next(between).Equal(first), "%q", expression)
		}
	})
}

func ExampleParse() {
	s, err := cron.Parse("TZ=Asia/Shanghai 30 8 * * mon-fri", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	friday := time.Date(2026, time.January, 2, 12, 0, 0, 0, time.UTC)
	fmt.Println(s.Next(friday))
	// Output:
	// 2026-01-05 00:30:00 +0000 UTC
}
