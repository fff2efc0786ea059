// Command notify shows and operates queues from a terminal, as the dashboard does in a
// browser.
//
//	notify -on redis://localhost:6379/0 queues
//	notify -on sqlite:shop.db jobs -state dead -text "mailbox full"
//	notify -on postgres://shop@localhost/shop replay -queue default -all -state dead
//	notify -on "mysql:shop@tcp(localhost)/shop" serve -addr localhost:8090
//
// Commands: queues, jobs, show, replay, delete, pause, resume, workers, schedules, serve.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/dashboard"
	"github.com/seed82d84382/commerce/notify/redisqueue"
	"github.com/seed82d84382/commerce/notify/sqlqueue"
	_ "modernc.org/sqlite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, time.Now)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "notify:", err)
		os.Exit(1)
	}
}

// errUsage is for what was asked for wrongly.
var errUsage = errors.New("usage: notify -on BACKEND queues|jobs|show|replay|delete|pause|resume|workers|schedules|serve [flags]; -h tells more")

func run(ctx context.Context, args []string, out io.Writer, now func() time.Time) error {
	flags := flag.NewFlagSet("notify", flag.ContinueOnError)
	on := flags.String("on", os.Getenv("NOTIFY_ON"), "the backend: redis://HOST/DB, sqlite:FILE, mysql:DSN or postgres://…; default $NOTIFY_ON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errUsage
	}
	name, rest := flags.Arg(0), flags.Args()[1:]
	command, ok := commands[name]
	if !ok {
		return fmt.Errorf("unknown command %q; %w", name, errUsage)
	}
	queue, closeAll, err := open(ctx, *on)
	if err != nil {
		return err
	}
	defer closeAll()
	return command(&operator{queue: queue, out: out, now: now}, ctx, name, rest)
}

var commands = map[string]func(o *operator, ctx context.Context, name string, args []string) error{
	"queues": (*operator).queues, "jobs": (*operator).jobs, "show": (*operator).show, "workers": (*operator).workers, "schedules": (*operator).schedules,
	"replay": (*operator).change, "delete": (*operator).change, "pause": (*operator).pause, "resume": (*operator).pause, "serve": (*operator).serve,
}

// open opens a backend without changing its tables.
func open(ctx context.Context, on string) (*notify.Queue, func(), error) {
	scheme, rest, _ := strings.Cut(on, ":")
	driver, dsn := scheme, rest
	switch scheme {
	case "redis", "rediss":
		options, err := redis.ParseURL(on)
		if err != nil {
			return nil, nil, errors.New("-on: not an address of Redis") // the error may repeat a password
		}
		rdb := redis.NewClient(options)
		queue, err := redisqueue.Open(ctx, rdb, nil)
		if err != nil {
			_ = rdb.Close()
			return nil, nil, err
		}
		return queue, func() { _ = queue.Close(); _ = rdb.Close() }, nil
	case "sqlite":
		if _, err := os.Stat(rest); err != nil {
			return nil, nil, fmt.Errorf("-on: no database file %s", rest)
		}
		dsn = "file:" + rest + "?_pragma=busy_timeout(5000)"
	case "postgres", "postgresql":
		driver, dsn = "pgx", on
	case "mysql":
	default:
		return nil, nil, errors.New(`-on must begin with "redis:", "sqlite:", "mysql:" or "postgres:"`)
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, nil, errors.New("-on: cannot be read as an address of " + scheme)
	}
	queue, err := sqlqueue.Open(ctx, db, &sqlqueue.Options{SkipMigrations: true})
	if err != nil {
		_ = db.Close()
		return nil, nil, err
	}
	return queue, func() { _ = queue.Close(); _ = db.Close() }, nil
}

// serve is the dashboard, on this machine only unless addr says otherwise.
func (o *operator) serve(ctx context.Context, name string, args []string) error {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	addr := flags.String("addr", "localhost:8090", "where to listen; it asks for no password, so keep it on this machine")
	if err := flags.Parse(args); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.out, "http://%s/\n", listener.Addr())
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: dashboard.New(o.queue, &dashboard.Options{
		Allow:    func(*http.Request) bool { return true },
		Language: func(r *http.Request) string { return r.Header.Get("Accept-Language") },
		Now:      o.now,
	})}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
