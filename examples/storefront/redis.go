package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/notify/otp"
	"github.com/seed82d84382/commerce/notify/otp/redisotp"
	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/redisstore"
)

// redisEnv names the server too, as its address may hold a password, which a
// command line shows to everybody on the machine.
const redisEnv = "STOREFRONT_REDIS"

// parseRedis reads what -redis says. The error does not repeat it.
func parseRedis(address string) (*redis.Options, error) {
	if address == "" {
		return nil, nil
	}
	options, err := redis.ParseURL(address)
	if err != nil {
		return nil, errors.New("-redis: want redis://user:password@host:port/database, rediss:// for TLS, or unix:///path")
	}
	return options, nil
}

// openRedis connects to the Redis that is to hold sessions and codes, if there is one.
func (b *backends) openRedis(ctx context.Context, options *redis.Options) error {
	if options == nil {
		return nil
	}
	b.redis = redis.NewClient(options)
	b.close = append(b.close, b.redis.Close)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := b.redis.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("-redis: %s, database %d: %w", options.Addr, options.DB, err)
	}
	return nil
}

func (b *backends) sessionsInRedis() (session.Driver, error) { return redisstore.New(b.redis, nil) }

// codesInRedis keeps log-in codes where a restart does not void them. Their pepper
// lies elsewhere, in the data directory: Redis alone gives no code away.
func (b *backends) codesInRedis(dir *dataDir) (otp.Store, []byte, error) {
	store, err := redisotp.New(b.redis, nil)
	if err != nil {
		return nil, nil, err
	}
	path := dir.join("codes.pepper")
	pepper, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		pepper = make([]byte, pepperBytes)
		rand.Read(pepper)
		err = os.WriteFile(path, pepper, 0o600)
	}
	if err == nil && len(pepper) != pepperBytes {
		err = fmt.Errorf("%s is damaged: remove it, and codes on their way are void", path)
	}
	return store, pepper, err
}
