package prooftest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
)

// TestFullDisk: a database that has no room left refuses orders whole, says so, has what it acknowledged, and goes on when there is
// room again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	// Logs that must never be full are kept small, and there is more room than what a server has from the beginning.
	const half = 4096 // of PostgreSQL's page, so that a write falls short
	for _, test := range []struct {
		*backend
		args []string
		room int64
	}{
		{mariadb, []string{"--innodb-log-file-size=4M"}, 32<<20 + half},
		{mysql8, []string{"--innodb-log-file-size=4M", "--skip-log-bin"}, 32<<20 + half},
		{postgresql, nil, 20<<20 + half}, // the files of its log have 16 MB
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := test.private(t, &testenv.Options{Args: test.args})
			require.NoError(t, server.LimitFiles(test.room))
			var stuck []*fullShop
			for _, strategy := range strategies {
				s := &fullShop{shop: &shop{db: test.db(t, testenvtest.Database(t, server), 4)}}
				s.stock = test.stock(t, s.db, strategy)
				s.fillDisk(t)
				stuck = append(stuck, s)
			}
			require.NoError(t, server.LimitFiles(-1))
			for _, s := range stuck {
				_, err := s.stock.Reserve(t.Context(), s.order(s.kept))
				require.NoError(t, err, "the same order, and there is room")
				s.kept++
				s.check(t)
			}
		})
	}
}

type fullShop struct {
	*shop
	kept int // orders
}

// fillDisk sells until there is no room.
func (s *fullShop) fillDisk(t *testing.T) {
	delivery := inventory.Receipt{Key: "delivery", Lines: s.order(0).Lines}
	for n := range delivery.Lines {
		delivery.Lines[n].Quantity = plenty
	}
	_, err := s.stock.Receive(t.Context(), delivery)
	require.NoError(t, err)
	for err == nil {
		require.Less(t, s.kept, 1000, "it fills up")
		if _, err = s.stock.Reserve(t.Context(), s.order(s.kept)); err == nil {
			s.kept++
		}
	}
	t.Logf("after %d orders: %v", s.kept, err)
	require.Positive(t, s.kept)
	require.ErrorIs(t, err, inventory.ErrFull)
	require.NotErrorIs(t, err, inventory.ErrOutcomeUnknown, "the database has said no")
	s.check(t)
}

// order is a wide one: 200 lines with long texts.
func (s *fullShop) order(n int) inventory.Order {
	order := inventory.Order{Key: fmt.Sprint("order ", n), Reason: strings.Repeat("y", 250), Reference: strings.Repeat("z", 250)}
	for line := range 200 {
		order.Lines = append(order.Lines, inventory.Line{SKU: fmt.Sprintf("%s %03d", strings.Repeat("x", 120), line), Quantity: 1})
	}
	return order
}

func (s *fullShop) check(t *testing.T) {
	lines := s.order(0).Lines
	levels, err := s.stock.Levels(t.Context(), lines[0].SKU, lines[len(lines)-1].SKU)
	require.NoError(t, err)
	require.Equal(t, []int64{int64(s.kept), int64(s.kept)}, []int64{levels[0].Reserved, levels[1].Reserved}, "what failed has taken nothing")
	requireWhole(t, s.stock, s.db)
}
