// Command roundtrips shows what pipelines are worth: the same sessions are read from
// the same Redis with every command in a round trip of its own, and with the
// commands of many callers joined as session/redisstore does.
//
//	go run ./examples/roundtrips                  # a table
//	go run ./examples/roundtrips -html page.html  # and a page with plots
//
// It starts a private Redis, unless -redis names one that may be written to.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/internal/testenv"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "roundtrips:", err)
		}
		os.Exit(1)
	}
}

// settings of a run.
type settings struct {
	callers  []int
	duration time.Duration
	rounds   int
	html     string
	redis    *redis.Options
}

func parse(args []string, stderr io.Writer) (*settings, error) {
	s := &settings{}
	flags := flag.NewFlagSet("roundtrips", flag.ContinueOnError)
	flags.SetOutput(stderr)
	callers := flags.String("callers", "1,2,4,8,16,32,64", "numbers of callers, separated by commas")
	flags.DurationVar(&s.duration, "duration", time.Second, "how long each way is measured in each round")
	flags.IntVar(&s.rounds, "rounds", 3, "how often the ways take turns")
	flags.StringVar(&s.html, "html", "", "write a page with plots to this `file`")
	address := flags.String("redis", "", "`address` of a Redis that may be written to, such as redis://127.0.0.1:6379/9; default a private one")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	for text := range strings.SplitSeq(*callers, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > 1024 {
			return nil, fmt.Errorf("-callers: %q is not a number from 1 to 1024", text)
		}
		s.callers = append(s.callers, n)
	}
	if s.duration <= 0 || s.rounds < 1 {
		return nil, errors.New("-duration and -rounds must be positive")
	}
	if *address != "" {
		var err error
		if s.redis, err = redis.ParseURL(*address); err != nil {
			return nil, errors.New("-redis: want redis://user:password@host:port/database")
		}
	}
	return s, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if s.redis == nil {
		server, err := testenv.Redis(ctx, &testenv.Options{Args: []string{"--appendonly", "no", "--save", ""}})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Close()) }()
		s.redis = &redis.Options{Addr: server.Addr}
	}
	ways, err := openWays(ctx, s)
	defer func() { err = errors.Join(err, closeAll(ways)) }()
	if err != nil {
		return err
	}
	environment := bench.Describe()
	environment.Settings["measured"] = fmt.Sprintf("%d rounds of %v, the two ways in turns; the median round", s.rounds, s.duration)
	if environment.Versions["redis"], err = ways[0].version(ctx); err != nil {
		return err
	}
	callers, err := compareCallers(ctx, s, ways)
	if err != nil {
		return err
	}
	many, err := compareMany(ctx, s, ways[1])
	if err != nil {
		return err
	}
	page := bench.Page{
		Title:       "Round trips, with and without pipelines",
		Intro:       "A request that reads its session asks Redis once. What that costs is not the command but the way there and back; callers who wait anyway can share it.",
		Environment: environment,
		Sections:    []bench.Section{callers, many},
	}
	for _, section := range page.Sections {
		fmt.Fprintf(stdout, "%s\n\n", section.Title)
		if err := bench.Table(stdout, section.Table); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "\n%s\n\n", section.Text)
	}
	if s.html == "" {
		return nil
	}
	return bench.WriteHTML(s.html, page)
}
