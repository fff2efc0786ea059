package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/examples/storefront/outbox"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
)

// The whole journey, with codes and order mails on each queue.
func TestHeadlessCheckOnQueues(t *testing.T) {
	t.Parallel()
	broker := testenvtest.PrivateRabbitMQ(t, nil)
	for name, flags := range map[string]func(*testing.T) []string{
		"redis": func(t *testing.T) []string {
			return []string{"-redis", testenvtest.RedisURL(t, testenvtest.Redis(t)), "-queue", "redis"}
		},
		"redis, and jobs in the database": func(t *testing.T) []string {
			return []string{"-redis", testenvtest.RedisURL(t, testenvtest.Redis(t)), "-queue", "sql"}
		},
		"rabbitmq": func(t *testing.T) []string {
			return []string{"-rabbitmq", testenvtest.Database(t, broker)}
		},
		"nats": func(t *testing.T) []string {
			return []string{"-nats", testenvtest.PrivateNATS(t, nil).DSN}
		},
		"rabbitmq, orders in PostgreSQL": func(t *testing.T) []string {
			return []string{"-rabbitmq", testenvtest.Database(t, broker), "-postgres", testenvtest.Database(t, testenvtest.Postgres(t))}
		},
		"rabbitmq, orders in MariaDB": func(t *testing.T) []string {
			return []string{"-rabbitmq", testenvtest.Database(t, broker), "-mysql", testenvtest.Database(t, testenvtest.MariaDB(t))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			output, err := exec.CommandContext(t.Context(), binary, append([]string{"-headless-check"}, flags(t)...)...).CombinedOutput()
			require.NoError(t, err, "%s", output)
			require.Regexp(t, `\d+ steps passed`, string(output))
		})
	}
}

// TestChaosOrderMailsOutliveTheShop kills the shop while orders are being paid, starts it
// again, and requires a mail for every order that a shopper was told is paid: the
// mail's job was in the outbox with the order, whatever carries it from there.
func TestChaosOrderMailsOutliveTheShop(t *testing.T) {
	t.Parallel()
	broker := testenvtest.PrivateRabbitMQ(t, nil)
	for name, queue := range map[string]func(*testing.T) []string{
		"sql":      func(*testing.T) []string { return nil },
		"redis":    func(t *testing.T) []string { return []string{"-redis", testenvtest.RedisURL(t, testenvtest.Redis(t))} },
		"rabbitmq": func(t *testing.T) []string { return []string{"-rabbitmq", testenvtest.Database(t, broker)} },
		"nats":     func(t *testing.T) []string { return []string{"-nats", testenvtest.PrivateNATS(t, nil).DSN} },
	} {
		t.Run(name, func(t *testing.T) {
			data, flags := t.TempDir(), queue(t)
			shop := open(t, data, flags...)
			crowd := make([]*shopper, 40)
			for i := range crowd {
				var err error
				crowd[i], err = newShopper(t.Context(), shop, fmt.Sprintf("+447703%06d", i))
				require.NoError(t, err)
			}
			var paid atomic.Int64
			enough := make(chan struct{})
			var rush sync.WaitGroup
			for _, s := range crowd {
				rush.Go(func() {
					s.buy(t.Context(), shop.URL)
					if s.paid && paid.Add(1) == int64(len(crowd)/2) {
						close(enough)
					}
				})
			}
			select {
			case <-enough:
			case <-time.After(waitLong):
				t.Fatal("too few checkouts came through")
			}
			shop.kill(t)
			rush.Wait()

			open(t, data, flags...)
			box := outbox.New(filepath.Join(data, "outbox"), time.Now)
			require.Eventually(t, func() bool {
				mails, err := box.Mails()
				require.NoError(t, err)
				var all strings.Builder
				for _, m := range mails {
					all.WriteString(m.Body)
				}
				for _, s := range crowd {
					if s.paid && !strings.Contains(all.String(), "/order/"+s.order) {
						return false
					}
				}
				return true
			}, waitLong, 10*waitStep, "an order is paid, and its mail was lost")
		})
	}
}
