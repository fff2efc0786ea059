package mysql

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock"
)

func TestLiterals(t *testing.T) {
	t.Parallel()
	for want, arg := range map[string]any{
		"'tea-250g'":           "tea-250g",
		"''":                   "",
		"x'6f2762'":            "o'b",
		"x'615c'":              `a\`,
		"x'2220'":              `" `,
		"x'e88cb6'":            "茶",
		"x'00ff'":              []byte{0, 255},
		"-9223372036854775808": int64(-1 << 63),
		"7":                    7,
		"NULL":                 sql.NullInt64{},
		"5":                    sql.NullInt64{Int64: 5, Valid: true},
	} {
		got, err := appendLiteral(nil, arg)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	_, err := appendLiteral(nil, 1.5)
	require.Error(t, err)
}

// FuzzLiterals: whatever a text is, its literal is one token that nothing can break out of.
func FuzzLiterals(f *testing.F) {
	for _, seed := range []string{"tea", "'; DROP TABLE x; --", "\\", "\x00", "茶", "?"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := appendLiteral(nil, text)
		require.NoError(t, err)
		inner, hex := strings.CutPrefix(string(b), "x")
		require.True(t, len(inner) >= 2 && inner[0] == '\'' && inner[len(inner)-1] == '\'')
		inner = inner[1 : len(inner)-1]
		require.NotContains(t, inner, "'")
		require.NotContains(t, inner, `\`)
		if hex {
			require.Empty(t, strings.Trim(inner, "0123456789abcdef"))
		} else {
			require.Equal(t, text, inner)
		}
	})
}

func TestStatementsNeedTheirArguments(t *testing.T) {
	t.Parallel()
	b, err := appendStatement(nil, sqlstock.Statement{Query: "SELECT ?, ?", Args: []any{1, "?"}})
	require.NoError(t, err)
	require.Equal(t, "SELECT 1, '?'", string(b))
	for _, s := range []sqlstock.Statement{{Query: "SELECT ?"}, {Query: "SELECT 1", Args: []any{1}}, {Query: "SELECT ?", Args: []any{1.5}}} {
		_, err := appendStatement(nil, s)
		require.Error(t, err, s.Query)
	}
}

func TestPacketsAreBounded(t *testing.T) {
	t.Parallel()
	script := []sqlstock.Statement{{Query: "DO 1"}, {Query: "DO 2", Changes: 3}, {Query: "DO '" + strings.Repeat("x", 300) + "'"}, {Query: "DO 4"}}
	var packets []string
	for len(script) > 0 {
		text, n, err := list.pack(script, 100)
		require.NoError(t, err)
		packets, script = append(packets, text), script[n:]
	}
	require.Len(t, packets, 3, "one statement alone may be larger")
	require.Contains(t, packets[0], "DO 2;DO IF(ROW_COUNT() = 3", "a check stays with its statement")
	text, n, err := compound.pack([]sqlstock.Statement{{Query: "DO 1"}, {Query: "COMMIT"}}, 1000)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, "BEGIN NOT ATOMIC DO 1;COMMIT;END", text)
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"8.0.15", "8.4.3", "9.1.0", "10.6.1-MariaDB", "10.11.19-MariaDB-0+deb12u1", "11.4.2-MariaDB", "5.5.5-10.6.12-MariaDB-log"} {
		require.NoError(t, checkVersion(version), version)
	}
	for _, version := range []string{"5.7.44", "10.5.9-MariaDB", "5.5.5-10.3.1-MariaDB", "", "eight"} {
		require.ErrorIs(t, checkVersion(version), inventory.ErrServer, version)
	}
}
