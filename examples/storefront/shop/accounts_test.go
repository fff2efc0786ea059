package shop

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/examples/storefront/i18n"
	"github.com/seed82d84382/commerce/notify"
)

func TestParsePhone(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"13800138000":             "+8613800138000",
		"138 0013 8000":           "+8613800138000",
		"+86 138-0013-8000":       "+8613800138000",
		"0044 7700 900123":        "+447700900123",
		"+44 (7700) 900.123":      "+447700900123",
		"+1\u00a0212 555 0100":    "+12125550100",
		"":                        "",
		"123":                     "",
		"7700900123":              "", // no country
		"+0123456789":             "",
		"+44 7700 900123 ext":     "",
		"+1234567890123456":       "",
		"+44\n7700900123":         "",
		strings.Repeat("1", 1000): "",
		"+١٢٣٤٥٦٧٨٩٠":             "", // Arabic digits are none of E.164
	} {
		got, err := ParsePhone(given)
		require.Equal(t, want, got, "%q", given)
		if want == "" {
			require.ErrorIs(t, err, ErrInvalid, "%q", given)
		}
	}
	require.Equal(t, "+861••••••••00", MaskPhone("+8613800138000"))
}

func FuzzParsePhone(f *testing.F) {
	f.Add("+86 138 0013 8000")
	f.Add("00447700900123")
	f.Fuzz(func(t *testing.T, s string) {
		phone, err := ParsePhone(s)
		if err != nil {
			return
		}
		again, err := ParsePhone(phone)
		require.NoError(t, err)
		require.Equal(t, phone, again, "a parsed number parses to itself")
		require.Regexp(t, `^\+[1-9][0-9]{7,14}$`, phone)
	})
}

func TestTwoFirstVisitsOpenOneAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids, opened := make([]string, 8), make([]bool, 8)
	var visits sync.WaitGroup
	for i := range ids {
		visits.Go(func() {
			if account, first, err := b.AccountOf(t.Context(), "+8613800138000"); err == nil {
				ids[i], opened[i] = account.ID, first
			}
		})
	}
	visits.Wait()
	first := 0
	for i := range ids {
		require.NotEmpty(t, ids[i])
		require.Equal(t, ids[0], ids[i])
		if opened[i] {
			first++
		}
	}
	require.Equal(t, 1, first)
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	mei := b.shopper(t, 1)

	_, err := b.CheckPassword(t.Context(), mei.Phone, "")
	require.ErrorIs(t, err, ErrWrongPassword, "an account without a password takes none")
	_, err = b.SetPassword(t.Context(), mei.ID, "", "short")
	require.ErrorIs(t, err, ErrInvalid)
	_, err = b.SetPassword(t.Context(), mei.ID, "", strings.Repeat("x", 257))
	require.ErrorIs(t, err, ErrInvalid)

	set, err := b.SetPassword(t.Context(), mei.ID, "", "明月几时有，把酒问青天")
	require.NoError(t, err)
	require.NotEqual(t, mei.AuthHash(), set.AuthHash(), "log-ins from before end")
	require.True(t, strings.HasPrefix(set.PasswordHash, "$argon2id$v=19$m=19456,t=2,p=1$"))
	require.NotContains(t, set.PasswordHash, "明月")

	got, err := b.CheckPassword(t.Context(), mei.Phone, "明月几时有，把酒问青天")
	require.NoError(t, err)
	require.Equal(t, mei.ID, got.ID)
	for _, wrong := range []string{"", "明月几时有", strings.Repeat("x", 100_000)} {
		_, err = b.CheckPassword(t.Context(), mei.Phone, wrong)
		require.ErrorIs(t, err, ErrWrongPassword)
	}
	_, err = b.CheckPassword(t.Context(), "+12125550100", "明月几时有，把酒问青天")
	require.ErrorIs(t, err, ErrWrongPassword, "nobody has that number")
	_, err = b.SetPassword(t.Context(), mei.ID, "not it", "another password")
	require.ErrorIs(t, err, ErrWrongPassword)
}

func TestAdminPassword(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made, err := b.EnsureAdmin(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, made, 26)
	again, err := b.EnsureAdmin(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, again, "it is shown once")
	hash, err := b.CheckAdmin(t.Context(), made)
	require.NoError(t, err)

	_, err = b.EnsureAdmin(t.Context(), made)
	require.NoError(t, err)
	kept, err := b.AdminHash(t.Context())
	require.NoError(t, err)
	require.Equal(t, hash, kept, "the same password keeps the admin logged in")

	_, err = b.EnsureAdmin(t.Context(), "another password")
	require.NoError(t, err)
	_, err = b.CheckAdmin(t.Context(), made)
	require.ErrorIs(t, err, ErrWrongPassword)
}

func TestCodesLieSealedInTheQueue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.SendCode(t.Context(), "+8613800138000", "127.0.0.1", i18n.Chinese))
	records, err := b.queue.List(t.Context(), notify.Filter{})
	require.NoError(t, err)
	require.Len(t, records, 1)
	require.NotRegexp(t, `\b\d{6}\b`, string(records[0].Payload), "no code in clear")

	require.ErrorIs(t, b.VerifyCode(t.Context(), "+8613800138000", "127.0.0.1", "not digits"), ErrInvalid)
	sealed := b.sealer.seal("123456", "+8613800138000")
	code, ok := b.sealer.open(sealed, "+8613800138000")
	require.True(t, ok)
	require.Equal(t, "123456", code)
	_, ok = b.sealer.open(sealed, "+8613800138001")
	require.False(t, ok, "sealed for another number")
	other, err := newSealer(nil)
	require.NoError(t, err)
	_, ok = other.open(sealed, "+8613800138000")
	require.False(t, ok, "sealed by another process")
}

func TestCarts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	mei := b.shopper(t, 1, CartLine{b.skus[1], 98})
	guest := GuestPrefix + "1"
	require.NoError(t, b.AddToCart(ctx, guest, b.skus[0], 2))
	require.NoError(t, b.AddToCart(ctx, guest, b.skus[0], 1))
	require.NoError(t, b.AddToCart(ctx, guest, b.skus[1], 5))
	n, err := b.CartCount(ctx, guest)
	require.NoError(t, err)
	require.Equal(t, 8, n)

	require.NoError(t, b.MoveCart(ctx, guest, mei.ID))
	lines, err := b.Cart(ctx, mei.ID)
	require.NoError(t, err)
	require.ElementsMatch(t, []CartLine{{b.skus[1], MaxQuantity}, {b.skus[0], 3}}, lines)
	n, err = b.CartCount(ctx, guest)
	require.NoError(t, err)
	require.Zero(t, n)

	require.NoError(t, b.SetCartQuantity(ctx, mei.ID, b.skus[0], 0))
	lines, err = b.Cart(ctx, mei.ID)
	require.NoError(t, err)
	require.Len(t, lines, 1)
	for _, bad := range []int{-1, 0, 100} {
		require.ErrorIs(t, b.AddToCart(ctx, mei.ID, b.skus[0], bad), ErrInvalid)
	}
	require.ErrorIs(t, b.SetCartQuantity(ctx, mei.ID, b.skus[0], -1), ErrInvalid)

	require.NoError(t, b.AddToCart(ctx, guest, b.skus[0], 1))
	b.clock.advance(guestCartLife + time.Hour)
	require.NoError(t, b.ForgetCarts(ctx))
	n, err = b.CartCount(ctx, guest)
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = b.CartCount(ctx, mei.ID)
	require.NoError(t, err)
	require.Equal(t, MaxQuantity, n, "accounts keep their carts")
}
